import { local } from '../clusters/local/provider.ts'
import { defaultTopology } from '../clusters/local/topology.ts'
import { root } from './sources.ts'

/*
 * A harness for tests that kill it: boots a cluster under the run id of its first argument, says `ready`, and holds it
 * until it is killed, or until its stdin ends because the test that started it is gone.
 */
process.stdin.on('end', () => process.exit(1)).resume()
const [runId = 'hold'] = process.argv.slice(2)
const { signal } = new AbortController()
await local({ packageDirectory: root }).create(defaultTopology(), { runId, signal })
process.stdout.write('ready\n')
