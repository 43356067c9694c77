import t from 'tap'
import { passingRun } from '../reporters/fixtures.ts'
import { machineFingerprint } from './fingerprint.ts'

const { environment } = passingRun()

t.test('what the machine is changes the fingerprint, what it does just now does not', (t) => {
  const { id, parts } = machineFingerprint(environment)
  t.match(id, /^[0-9a-f]{12}$/)
  t.match(parts, { CPUs: '2', kernel: '6.1' })
  const same = { ...environment, loadAverageAtStart: [9, 9, 9], kernel: '6.1.99-other', tools: {} }
  t.equal(machineFingerprint(same).id, id)
  for (const other of [
    { cpus: 4 },
    { kernel: '6.12.6-amd64' },
    { cpuModel: 'AMD EPYC' },
    { arch: 'arm64' },
    { governor: 'performance' },
    { virtualization: 'virtual machine' },
  ])
    t.not(machineFingerprint({ ...environment, ...other }).id, id, JSON.stringify(other))
  t.end()
})
