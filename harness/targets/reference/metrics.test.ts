import t from 'tap'
import { counterSum } from './metrics.ts'

t.test('sums a counter over its labels and over nothing else', (t) => {
  const text = `# HELP meshmark_l7_requests_total Requests.
# TYPE meshmark_l7_requests_total counter
meshmark_l7_requests_total{code="200",service="a/b"} 7
meshmark_l7_requests_total{code="503"} 2 1700000000000
meshmark_l7_requests_total_created 99
meshmark_l4_connections_total 4
`
  t.equal(counterSum(text, 'meshmark_l7_requests_total'), 9)
  t.equal(counterSum(text, 'meshmark_l4_connections_total'), 4)
  t.equal(counterSum(text, 'meshmark_dns_queries_total'), 0)
  t.end()
})
