import t from 'tap'
import { migrateResult, migrations, type Migration } from './migrate.ts'
import { schemaVersion } from './version.ts'

const chain: readonly Migration[] = [
  { from: '1.1', to: '2.0', migrate: ({ took, ...rest }) => ({ ...rest, durationMs: took }) },
  {
    from: '1.0',
    to: '1.1',
    migrate: ({ seconds, ...rest }) => ({ ...rest, took: Number(seconds) * 1000 }),
  },
]

t.test('an older result is led through every version between', (t) => {
  t.same(migrateResult({ schemaVersion: '1.0.4', seconds: 3, kept: true }, '2.0.1', chain), {
    schemaVersion: '2.0.1',
    durationMs: 3000,
    kept: true,
  })
  t.end()
})

t.test('the same format in another patch version needs no migration', (t) => {
  t.same(migrateResult({ schemaVersion: '2.0.0', a: 1 }, '2.0.1', []), {
    schemaVersion: '2.0.1',
    a: 1,
  })
  t.end()
})

t.test('where no chain leads, nothing is made up', (t) => {
  t.equal(migrateResult({ schemaVersion: '0.9.0' }, '2.0.0', chain), undefined)
  const circle: Migration[] = [
    { from: '1.0', to: '1.1', migrate: (older) => older },
    { from: '1.1', to: '1.0', migrate: (older) => older },
  ]
  t.equal(migrateResult({ schemaVersion: '1.0.0' }, '2.0.0', circle), undefined)
  t.end()
})

t.test('every migration that ships leads to the schema that is written', (t) => {
  for (const { from } of migrations)
    t.ok(migrateResult({ schemaVersion: `${from}.0` }, schemaVersion), `from ${from}`)
  t.ok(migrateResult({ schemaVersion }, schemaVersion))
  t.end()
})
