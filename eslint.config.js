import tseslint from 'typescript-eslint'

export default tseslint.config(
  {
    ignores: ['dist/**', 'node_modules/**', 'scenarios/own-target/**', '.tap/**', '**/*.mjs'],
  },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      // why: numbers in messages ("got 5, want 6") are what messages are for
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      // why: `void promise` marks a promise that is meant to float, at event-handler borders
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      // why: interfaces of adapters are async although one implementation may have nothing to wait for
      '@typescript-eslint/require-await': 'off',
      // why: the compiler believes that `signal.aborted` stays false once it was; every loop that waits disproves it
      '@typescript-eslint/no-unnecessary-condition': 'off',
      // why: JSON.stringify gives undefined for undefined, which its type does not say
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_' },
      ],
      eqeqeq: 'error',
    },
  },
  {
    // why: libraries return or throw; only the command line prints
    files: ['harness/**/*.ts', 'reference-impl/**/*.ts', 'scenarios/**/*.ts'],
    ignores: [
      'harness/cli/**',
      '**/*.test.ts',
      '**/bench-*.ts',
      '**/main.ts',
      'harness/testing/**',
    ],
    rules: { 'no-console': 'error' },
  },
  {
    // why: tap's t.test returns a promise that tap itself awaits
    files: ['**/*.test.ts'],
    rules: { '@typescript-eslint/no-floating-promises': 'off' },
  },
  // why: these belong to no TypeScript project of ours
  {
    files: ['eslint.config.js', 'docs/**/*.ts', '.github/**/*.js'],
    ...tseslint.configs.disableTypeChecked,
  },
)
