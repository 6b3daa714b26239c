#!/bin/bash
# Runs the test suite in Bun, which is installed into a folder of its own. Build first: npm run build
# Usage: scripts/test-bun.sh [mocha arguments]; LANEWISE_BUN=path takes a Bun that is there.
set -euo pipefail
cd "$(dirname "$0")/.."

bun=${LANEWISE_BUN:-}
if [ -z "$bun" ]; then
  tools=build-bun
  mkdir -p "$tools"
  [ -f "$tools/package.json" ] || echo '{ "private": true }' >"$tools/package.json"
  # Its install script would only put the program of this platform in place: that is called by its own name here.
  npm install --prefix "$tools" --ignore-scripts --no-audit --no-fund --silent bun@1.4
  for candidate in "$tools"/node_modules/@oven/bun-*/bin/bun; do
    if "$candidate" --version >/dev/null 2>&1; then bun=$candidate; fi
  done
fi
echo "Bun $("$bun" --version)"
# .mocharc.json asks for a loader of TypeScript, which Bun has itself.
exec "$bun" node_modules/mocha/lib/cli/cli.js --no-config --extension ts --timeout 60000 'test/**/*.test.ts' "$@"
