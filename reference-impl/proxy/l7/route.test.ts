import t from 'tap'
import { CoarseClock } from './clock.ts'
import { Endpoint } from './endpoint.ts'
import { Route } from './route.ts'

const clock = new CoarseClock()
const make = (count: number): { route: Route; endpoints: readonly Endpoint[] } => {
  const route = new Route('default/web:http-0', 'web')
  const endpoints = Array.from({ length: count }, (_, i) => new Endpoint(`10.0.0.${i}`, 80))
  route.endpoints = endpoints
  return { route, endpoints }
}
const picks = (route: Route, times: number, client = 'c'): readonly (string | undefined)[] =>
  Array.from({ length: times }, () => route.pick(clock, [], client)?.address)

t.test('a strict turn, also after endpoints went', async (t) => {
  const { route, endpoints } = make(3)
  t.same(picks(route, 4), ['10.0.0.0', '10.0.0.1', '10.0.0.2', '10.0.0.0'])
  route.endpoints = endpoints.slice(0, 1)
  t.same(picks(route, 2), ['10.0.0.0', '10.0.0.0'])
  route.endpoints = []
  t.same(picks(route, 1), [undefined])
})

t.test('an ejected endpoint is passed over while another is left', async (t) => {
  const { route, endpoints } = make(2)
  for (const endpoint of endpoints.slice(0, 1)) endpoint.ejectedUntilMs = clock.nowMs + 1_000
  t.same(picks(route, 3), ['10.0.0.1', '10.0.0.1', '10.0.0.1'])
  for (const endpoint of endpoints) endpoint.ejectedUntilMs = clock.nowMs + 1_000
  t.not(picks(route, 1)[0], undefined)
  t.equal(route.pick(clock, endpoints, 'c'), undefined, 'all were tried')
})

t.test('random choice reaches every endpoint', async (t) => {
  const { route } = make(3)
  route.policy = 'random'
  t.equal(new Set(picks(route, 200)).size, 3)
})

t.test(
  'affinity keeps a client at its endpoint until its time is over or the endpoint is gone',
  async (t) => {
    const { route, endpoints } = make(3)
    route.affinitySeconds = 10
    t.equal(new Set(picks(route, 5, 'a')).size, 1)
    t.equal(new Set(['a', 'b', 'c'].map((client) => picks(route, 1, client)[0])).size, 3)
    const [own] = picks(route, 1, 'a')
    clock.nowMs += 9_000
    t.equal(picks(route, 1, 'a')[0], own, 'used in time, counted from here')
    clock.nowMs += 9_000
    t.equal(picks(route, 1, 'a')[0], own)
    route.endpoints = endpoints.filter(({ address }) => address !== own)
    const [next] = picks(route, 1, 'a')
    t.not(next, own)
    t.equal(new Set(picks(route, 5, 'a')).size, 1)
    clock.nowMs += 11_000
    t.not(picks(route, 1, 'a')[0], next, 'released')
  },
)
