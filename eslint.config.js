import js from '@eslint/js';
import tseslint from 'typescript-eslint';

const noEnum = { selector: 'TSEnumDeclaration', message: 'No enum: a union of literals.' };
const noDoubleCast = {
  selector: 'TSAsExpression > TSAsExpression > TSUnknownKeyword',
  message: 'No `as unknown as`: give the value its type.',
};
/** Under exactOptionalPropertyTypes `{ stride: maybe }` is an error without it. */
const optionalIsUndefined = {
  selector:
    ':matches(TSPropertySignature, PropertyDefinition, TSAbstractPropertyDefinition)[optional=true] > TSTypeAnnotation' +
    ' > :not(TSUnionType:has(> TSUndefinedKeyword), TSUnknownKeyword)',
  message: 'What may be left out may be undefined: `name?: Type | undefined`.',
};

export default tseslint.config(
  { ignores: ['dist/', 'out/', 'build*/', 'coverage/', 'prebuilds/', 'scripts/package/consumer/', '**/node_modules/'] },
  js.configs.recommended,
  {
    files: ['**/*.js'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly', performance: 'readonly' } },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      eqeqeq: 'error',
      'prefer-const': 'error',
      'no-restricted-syntax': ['error', noEnum, noDoubleCast],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/no-import-type-side-effects': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/prefer-readonly': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    },
  },
  { files: ['lib/**/*.ts'], rules: { 'no-restricted-syntax': ['error', noEnum, noDoubleCast, optionalIsUndefined] } },
  {
    // mocha's describe and it return nothing worth awaiting
    files: ['test/**/*.ts'],
    rules: { '@typescript-eslint/no-unused-expressions': 'off', '@typescript-eslint/require-await': 'off' },
  },
);
