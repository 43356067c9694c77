// Writes field-numbers.ts: under which numbers the fields of the built-in kinds travel in protobuf, read from the tags
// of the API's published Go types. Needs a built dist/ and check-outs of k8s.io/api and k8s.io/apimachinery:
//   node harness/clusters/local/apiserver/protobuf/generate-field-numbers.mjs <api> <apimachinery>
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const [api, machinery] = process.argv.slice(2)
const root = join(import.meta.dirname, '..', '..', '..', '..', '..')
const base = join(root, 'dist/harness/clusters/local/apiserver')
const { fields } = await import(join(base, 'resources/fields.js'))
const { reviewSchema } = await import(join(base, 'auth/reviews.js'))

const groups =
  'core apps discovery coordination rbac networking policy scheduling authentication authorization autoscaling events'
const files = [
  ...groups.split(' ').map((group) => join(api, group, 'v1/types.go')),
  join(machinery, 'pkg/apis/meta/v1/types.go'),
]
const structs = new Map()
for (const file of files) {
  for (const [, name, body] of readFileSync(file, 'utf8').matchAll(
    /^type (\w+) struct \{\n([\s\S]*?)^\}/gm,
  )) {
    if (!structs.has(name)) structs.set(name, parse(body))
    if (file.includes('/events/')) structs.set(`Events${name}`, parse(body))
  }
}

function parse(body) {
  const numbered = []
  for (const line of body.split('\n')) {
    const match = /^\s*(?:(\w+)\s+)?([*\w.[\]]+)\s+`([^`]*)`/.exec(line)
    if (match === null) continue
    const [, , goType, tags] = match
    const json = /json:"([^"]*)"/.exec(tags)?.[1] ?? ''
    const number = Number(/protobuf:"\w+,(\d+),/.exec(tags)?.[1])
    if (!(number > 0)) continue
    const [name] = json.split(',')
    // An embedded struct is a message of its own in protobuf, and nothing of its own in JSON.
    if (name === '') numbered[number] = `~${goType.replace(/^.*\./, '')}`
    else numbered[number] = goType.startsWith('*') ? `*${name}` : name
  }
  return numbered
}

const renamed = { BindingTarget: 'ObjectReference' }
const result = {}
const wanted = [
  ...Object.keys(fields.types),
  ...Object.keys(reviewSchema.types),
  ...['ObjectMeta', 'OwnerReference', 'ManagedFieldsEntry'],
]
while (wanted.length > 0) {
  const name = wanted.shift()
  if (name in result) continue
  const numbered = structs.get(renamed[name] ?? name)
  if (numbered === undefined) {
    console.error(`no Go type ${name}`)
    continue
  }
  result[name] = Array.from(numbered, (field) => field ?? '-')
    .slice(1)
    .join(' ')
  for (const field of numbered) if (field?.startsWith('~')) wanted.push(field.slice(1))
}

const lines = Object.entries(result).map(([name, text]) => `  ${name}: '${text}',`)
writeFileSync(
  join(import.meta.dirname, 'field-numbers.ts'),
  `/* Written by generate-field-numbers.mjs: change that, not this. */

/**
 * The fields of each message in the order of their numbers, from 1. \`-\` is an unused number, \`*name\` a field that may
 * be absent and then differs from its zero value, \`~Message\` one whose fields belong to the message around it.
 */
// prettier-ignore
export const fieldNumbers: Readonly<Record<string, string>> = {
${lines.join('\n')}
}
`,
)
