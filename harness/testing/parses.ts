import ts from 'typescript'

/** Whether a text is a module of JavaScript without a syntax error. */
export function parses(text: string): boolean {
  const { diagnostics = [] } = ts.transpileModule(text, {
    reportDiagnostics: true,
    compilerOptions: {
      allowJs: true,
      module: ts.ModuleKind.ESNext,
      target: ts.ScriptTarget.ES2022,
    },
    fileName: 'mutant.js',
  })
  return diagnostics.length === 0
}
