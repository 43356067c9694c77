import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import t from 'tap'
import { type Profile, type Requirement, UsageError } from '../harness/api.ts'
import { catalogueFiles, parseCatalogue, readCatalogue, retiredFile } from './catalogue.ts'

const folder = new URL('../../scenarios/catalogue/', import.meta.url)
const { requirements, sha256 } = await readCatalogue()

t.test('the list of files is what the folder holds', (t) => {
  t.same([...catalogueFiles, retiredFile].sort(), readdirSync(folder).sort())
  t.end()
})

t.test('ids are used once, and every profile has rows', (t) => {
  t.equal(new Set(requirements.map(({ id }) => id)).size, requirements.length)
  const profiles = new Map<Profile, Requirement[]>()
  for (const row of requirements)
    profiles.set(row.profile, [...(profiles.get(row.profile) ?? []), row])
  for (const [profile, rows] of profiles) t.comment(counts(profile, rows))
  t.comment(counts('all', requirements))
  t.equal(profiles.size, 8)
  t.end()
})

function counts(name: string, rows: readonly Requirement[]): string {
  const core = rows.filter(({ level, feature }) => level === 'MUST' && feature === undefined)
  const later = rows.filter(({ notAutomated }) => notAutomated !== undefined)
  const of = (wanted: string): number => rows.filter(({ level }) => level === wanted).length
  return `${name}: ${rows.length} rows, MUST ${of('MUST')} (core ${core.length}), SHOULD ${of('SHOULD')}, MAY ${of('MAY')}, not automated ${later.length}`
}

const origin = [1, 2, 3, 4]
  .map((up) => new URL(`${'../'.repeat(up + 1)}shared/requirements.md`, import.meta.url))
  .find((url) => existsSync(url))

t.test(
  'every row of requirements.md is here or retired',
  { skip: origin === undefined && '../shared/requirements.md is not on this machine' },
  async (t) => {
    const text = await readFile(origin ?? '', 'utf8')
    const wanted = [...text.matchAll(/^\| ([A-Z][A-Z0-9]*(?:-[A-Z0-9]+)*-\d{3}) \|/gm)]
    t.ok(wanted.length > 450, 'its rows were found')
    const known =
      requirements.map(({ id }) => id).join(' ') +
      readFileSync(new URL(retiredFile, folder), 'utf8')
    t.same(
      wanted.map(([, id]) => id).filter((id) => !known.includes(id ?? '')),
      [],
    )
  },
)

const good = `
profile: DNS
thresholds: { convergenceMs: 30000, answerMs: 5 }
requirements:
  - id: DNS-A-001
    level: MUST
    environment: B
    sources: [{ ref: 'S§2.3.1', url: 'https://example.org/' }]
    sentence: A is asked → it is answered.
    thresholds: { answerMs: 1000 }
`

t.test('a row becomes a requirement; layout does not change the hash, content does', (t) => {
  const { requirements, sha256 } = parseCatalogue(new Map([['a.yaml', good]]))
  t.same(requirements, [
    {
      id: 'DNS-A-001',
      level: 'MUST',
      profile: 'DNS',
      environment: 'B',
      disruptive: false,
      slow: false,
      sources: [{ ref: 'S§2.3.1', url: 'https://example.org/' }],
      sentence: 'A is asked → it is answered.',
      thresholds: { convergenceMs: 30000, answerMs: 1000 },
    },
  ])
  const hashOf = (text: string): string => parseCatalogue(new Map([['a.yaml', text]])).sha256
  t.equal(hashOf(`# a comment\n${good}`), sha256)
  t.not(hashOf(good.replace('1000', '1001')), sha256)
  t.end()
})

t.test('every problem is told at once: file, row, field, value, rule', (t) => {
  const bad = good
    .replace('MUST', 'MUSTT')
    .replace('environment: B', 'environment: X\n    colour: red\n    disruptive: false')
    .replace('answered.', 'answered')
    .replace('https:', 'ftp:')
    .replace('answerMs: 1000', 'answer-ms: 1000')
  const problems = problemsOf(
    new Map([
      ['bad.yaml', bad],
      ['no.yaml', 'a: ['],
      ['a.yaml', good],
      ['b.yaml', good],
      [retiredFile, 'retired: [{ id: DNS-A-001, why: It was wrong. }]'],
    ]),
  )
  t.match(problems, [
    /^bad\.yaml: DNS-A-001\.level: got "MUSTT": .*"MUST"\|"SHOULD"\|"MAY"/,
    /^bad\.yaml: DNS-A-001\.environment: got "X": /,
    /^bad\.yaml: DNS-A-001\.disruptive: got false: .*true/,
    /^bad\.yaml: DNS-A-001\.sources\.0\.url: got "ftp:/,
    /^bad\.yaml: DNS-A-001\.sentence: got "A is asked → it is answered": want a sentence/,
    /^bad\.yaml: DNS-A-001\.thresholds\.answer-ms: got 1000: want a name in camelCase/,
    /^bad\.yaml: DNS-A-001\.colour: unknown key/,
    /^no\.yaml: is not YAML/,
    /^b\.yaml: DNS-A-001\.id: got "DNS-A-001": is in a\.yaml already/,
    /^retired\.yaml: DNS-A-001\.id: got "DNS-A-001": is in a\.yaml already/,
  ])
  t.equal(problems.length, 10)
  t.end()
})

function problemsOf(files: ReadonlyMap<string, string>): readonly string[] {
  try {
    parseCatalogue(files)
  } catch (error) {
    if (error instanceof UsageError)
      return error.problems.map(({ subject, message }) => `${subject}: ${message}`)
    throw error
  }
  return []
}

t.test('rules of the house for rows', (t) => {
  for (const { id, sources, notAutomated } of requirements) {
    for (const { ref, url } of sources)
      if (/^(RFC|EM#|KK#|k8s#|S§|KE:|GA:|EMd:)/.test(ref)) t.ok(url, `${id}: ${ref} has a link`)
    if (notAutomated !== undefined) t.match(notAutomated, /^[a-z].*[^.]$/, id)
  }
  t.match(sha256, /^[0-9a-f]{64}$/)
  t.end()
})
