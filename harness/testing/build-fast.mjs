// Transpiles only the sources that changed since their output in dist/, without type-checking: a fast inner loop.
// `npm run build` (tsc) stays the build that counts.
import { mkdirSync, readdirSync, renameSync, statSync, writeFileSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import ts from 'typescript'

const root = join(import.meta.dirname, '..', '..')
const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile)
const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root)

const compilerOptions = {
  ...options,
  declaration: false,
  sourceMap: false,
  isolatedDeclarations: false,
  incremental: false,
  // why: node20 would ask package.json, which transpileModule cannot see, and fall back to CommonJS
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
}

let written = 0
for (const top of ['harness', 'scenarios', 'reference-impl']) {
  for (const entry of readdirSync(join(root, top), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.ts')) continue
    const source = join(entry.parentPath, entry.name)
    if (source.includes('scenarios/k6/')) continue
    const output = join(root, 'dist', relative(root, source)).replace(/\.ts$/, '.js')
    const built = statSync(output, { throwIfNoEntry: false })
    if (built !== undefined && built.mtimeMs >= statSync(source).mtimeMs) continue
    const { outputText } = ts.transpileModule(readFileSync(source, 'utf8'), {
      compilerOptions,
      fileName: source,
    })
    mkdirSync(dirname(output), { recursive: true })
    writeFileSync(`${output}.${process.pid}`, outputText)
    renameSync(`${output}.${process.pid}`, output)
    written += 1
  }
}
process.stderr.write(`build:fast: ${written} file(s)\n`)
