import t from 'tap'
import { jsonLog } from '../log.ts'
import { ApiDouble, type Misbehaviour } from '../testing/api-double.ts'
import { eventually } from '../testing/eventually.ts'
import { apiOf } from './api.ts'
import { Owner } from './owner.ts'

const sets = '/apis/apps/v1/namespaces/kube-system/daemonsets'
const set = { metadata: { name: 'mesh', namespace: 'kube-system' } }

interface Case extends AsyncDisposable {
  readonly api: ApiDouble
  readonly owner: Owner
}

/** An agent's owner that is followed and exists. */
async function followed(): Promise<Case> {
  const double = new ApiDouble()
  double.put(sets, set)
  const api = apiOf({
    server: await double.listen(),
    skipVerify: false,
    token: () => Promise.resolve(undefined),
  })
  const owner = new Owner(api, { namespace: 'kube-system', name: 'mesh' })
  owner.start(jsonLog('error'))
  await eventually(() => {
    if (double.count(`${sets}?`) < 2) throw new Error('the owner is not watched yet')
  })
  return {
    api: double,
    owner,
    [Symbol.asyncDispose]: async () => {
      api.close()
      await double.close()
    },
  }
}

/** From now on questions about the owner itself are answered so, its watch says nothing any more. */
function misbehave({ api }: Case, how: Misbehaviour): void {
  api.freeze()
  api.misbehaviour = how
  api.misbehaviourMatch = `${sets}/mesh`
}

t.test('an owner that exists is not gone, one that was deleted is', async (t) => {
  await using there = await followed()
  t.equal(await there.owner.isGone(), false)
  await using gone = await followed()
  gone.api.delete(sets, 'kube-system/mesh')
  t.equal(await gone.owner.isGone(), true)
})

t.test(
  'an owner that is being deleted is gone, whether the watch or the question says so',
  async (t) => {
    await using asked = await followed()
    asked.api.freeze()
    asked.api.put(sets, {
      metadata: { ...set.metadata, deletionTimestamp: '2026-11-25T00:00:00Z' },
    })
    t.equal(await asked.owner.isGone(), true)
  },
)

t.test('an API that is slow is asked again: its word comes after the first time-out', async (t) => {
  await using one = await followed()
  misbehave(one, { kind: 'hang' })
  one.api.delete(sets, 'kube-system/mesh')
  const gone = one.owner.isGone()
  await eventually(() => {
    if (one.api.count(`${sets}/mesh`) < 1) throw new Error('it was not asked')
  })
  one.api.misbehaviour = undefined
  t.equal(await gone, true)
  t.equal(one.api.count(`${sets}/mesh`), 2)
})

t.test('an API that is busy is asked again', async (t) => {
  await using one = await followed()
  misbehave(one, { kind: 'status', status: 503 })
  one.api.delete(sets, 'kube-system/mesh')
  const gone = one.owner.isGone()
  await eventually(() => {
    if (one.api.count(`${sets}/mesh`) < 2) throw new Error('it was not asked twice')
  })
  one.api.misbehaviour = undefined
  t.equal(await gone, true)
})

t.test('who may not ask, or finds nobody, takes nothing away', async (t) => {
  await using forbidden = await followed()
  misbehave(forbidden, { kind: 'status', status: 403 })
  t.equal(await forbidden.owner.isGone(), false)
  t.equal(forbidden.api.count(`${sets}/mesh`), 1, 'once')
  await using away = await followed()
  await away.api.close()
  t.equal(await away.owner.isGone(), false)
})

t.test('an API that never answers is not waited for for ever', async (t) => {
  await using one = await followed()
  misbehave(one, { kind: 'hang' })
  t.equal(await one.owner.isGone(), false)
  t.equal(one.api.count(`${sets}/mesh`), 3)
})
