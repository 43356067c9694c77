import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

/** The project's root, seen from dist/harness/testing. */
export const root: string = join(import.meta.dirname, '..', '..', '..')

/** Every TypeScript source of the product by its path from the root; tests and benchmarks left out. */
export function productSources(): ReadonlyMap<string, string> {
  const sources = new Map<string, string>()
  for (const path of typescriptFiles()) {
    if (path.endsWith('.test.ts') || /(^|\/)bench-[^/]*$/.test(path)) continue
    sources.set(path, readFileSync(join(root, path), 'utf8'))
  }
  return sources
}

/** Paths of all TypeScript files from the root. */
export function typescriptFiles(): readonly string[] {
  return ['harness', 'scenarios', 'reference-impl'].flatMap((top) =>
    readdirSync(join(root, top), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
      .map((entry) => relative(root, join(entry.parentPath, entry.name)))
      .filter((path) => !path.startsWith('scenarios/k6/')),
  )
}
