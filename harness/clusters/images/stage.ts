import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import type { ImageSource } from '../../model/cluster.ts'
import { ClusterError } from '../../model/errors.ts'

/** What goes into an image, and from which package. */
export interface ImageContents extends Omit<ImageSource, 'name'> {
  /** Folder of the installed package. */
  readonly packageDirectory: string
}

/** Lays a build context into an empty folder and gives the SHA-256 of everything in it. */
export async function stage(contents: ImageContents, into: string): Promise<string> {
  const { packageDirectory, folders, packages, files = [], dockerfile } = contents
  await writeFile(join(into, 'Dockerfile'), dockerfile)
  const { version } = JSON.parse(
    await readFile(join(packageDirectory, 'package.json'), 'utf8'),
  ) as {
    readonly version: string
  }
  const own = { name: 'meshmark', version, type: 'module' }
  await writeFile(join(into, 'package.json'), `${JSON.stringify(own)}\n`)
  for (const folder of folders) {
    const filter = (path: string): boolean => !/\.test\.js(\.map)?$/.test(path)
    await cp(join(packageDirectory, folder), join(into, folder), { recursive: true, filter })
  }
  for (const { from, to } of files) {
    await cp(from, join(into, to), { dereference: true })
    // why: whoever runs in the image may not be who owns it here
    await chmod(join(into, to), 0o755)
  }
  await mkdir(join(into, 'node_modules'))
  for (const [name, from] of await closure(packageDirectory, packages)) {
    const filter = (path: string): boolean => !relative(from, path).startsWith('node_modules')
    await cp(from, join(into, 'node_modules', name), { recursive: true, filter, dereference: true })
  }
  return hashOf(into)
}

/** The folders of packages and of those that they need, one of each name: our dependencies have no two versions. */
async function closure(
  packageDirectory: string,
  packages: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>()
  const wanted = packages.map((name) => ({ name, from: packageDirectory }))
  for (let next = wanted.pop(); next !== undefined; next = wanted.pop()) {
    const { name, from } = next
    if (found.has(name)) continue
    const folder = folderOf(name, from)
    found.set(name, folder)
    const { dependencies = {} } = JSON.parse(
      await readFile(join(folder, 'package.json'), 'utf8'),
    ) as { readonly dependencies?: Readonly<Record<string, string>> }
    for (const dependency of Object.keys(dependencies))
      wanted.push({ name: dependency, from: folder })
  }
  return found
}

/** Node.js' own search: node_modules of the folder, of the one above, and so on. */
function folderOf(name: string, from: string): string {
  for (let at = from; ; at = dirname(at)) {
    const folder = join(at, 'node_modules', name)
    if (existsSync(join(folder, 'package.json'))) return folder
    if (at === dirname(at))
      throw new ClusterError('tool-missing', `the package ${name} is not installed for ${from}`, {
        hint: 'install again: npm ci',
      })
  }
}

async function hashOf(folder: string): Promise<string> {
  const hash = createHash('sha256')
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
  for (const file of files.sort()) {
    const bytes = await readFile(file)
    hash.update(`${relative(folder, file)}\0${bytes.length}\0`).update(bytes)
  }
  return hash.digest('hex')
}
