/**
 * What the agent costs with many Services: how long it takes to know them all, how long one change takes until the first
 * packet reaches the new endpoint, how long a lookup takes, and memory. The agent is the whole process as it runs on a
 * node, in network namespaces of its own; the API is the double of the tests, so that nothing else is measured.
 *
 *   node dist/reference-impl/bench-scale.js SIZE[,SIZE...] [ROUNDS] [CHANGES] [LOOKUPS]
 *
 * Each Service has five endpoints. Prints one line of JSON per size and round, sizes in random order.
 */
import { execFileSync, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { encode } from 'dns-packet'
import { AnyBackend } from './testing/any-backend.ts'
import { startAgent } from './testing/agent-process.ts'
import { ApiDouble, paths, serviceObject, sliceObject, smallCluster } from './testing/api-double.ts'
import { question } from './testing/dns-client.ts'

const mark = 'MESHMARK_BENCH_SANDBOX'
const node = 'edge-node-a'
const nodeAddress = '192.168.50.1'
const dnsAddress = '127.0.0.1'
const endpointsPerService = 5
const endpointPort = 8080

const ports = [{ name: 'tcp', port: 80, protocol: 'TCP' }]

const client = createSocket('udp4')
client.unref()

if (process.env[mark] === undefined) enterSandbox()
else {
  const [, , sizes = '10,100,1000,10000', rounds = '1', changes = '20', lookups = '1000'] =
    process.argv
  await bench(sizes.split(',').map(Number), Number(rounds), Number(changes), Number(lookups))
  process.exit(0)
}

function enterSandbox(): void {
  const flags = ['--net', '--mount', '--pid', '--fork', '--mount-proc', '--kill-child']
  const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user']
  const self = [process.execPath, fileURLToPath(import.meta.url), ...process.argv.slice(2)]
  const child = spawn('unshare', [...user, ...flags, ...self], {
    stdio: 'inherit',
    env: { ...process.env, [mark]: '1' },
  })
  child.once('exit', (code) => process.exit(code ?? 1))
}

async function bench(
  sizes: readonly number[],
  rounds: number,
  changes: number,
  lookups: number,
): Promise<void> {
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', '/run'])
  for (const argv of [
    'link set lo up',
    'link add d0 type veth peer name d1',
    `addr add ${nodeAddress}/24 dev d0`,
    'link set d0 up',
    'link set d1 up',
    'route add default dev d0',
    // why: every endpoint's address is this host's, so that one listener is all of them
    'route add local 10.128.0.0/9 dev lo',
  ])
    execFileSync('ip', argv.split(' '))
  const backends = await AnyBackend.listen(endpointPort)
  for (let round = 0; round < rounds; round += 1)
    for (const size of shuffled(sizes))
      console.log(
        JSON.stringify({ size, round, ...(await measure(size, changes, lookups, backends)) }),
      )
  backends.close()
}

interface Measured {
  /** From the start of the process until it says that it is ready, which includes the rules. */
  readonly loadMs: number
  readonly rssMib: number
  /** The most it ever had. */
  readonly peakMib: number
  /** From the write of the EndpointSlice until the new endpoint gets the first connection. */
  readonly changeMs: readonly number[]
  /** CPU that one change costs the agent, nft not included. */
  readonly changeCpuMs: number
  readonly dnsUs: number
  readonly connectUs: number
}

async function measure(
  size: number,
  changes: number,
  lookups: number,
  backends: AnyBackend,
): Promise<Measured> {
  await using api = new ApiDouble()
  smallCluster(api, node, nodeAddress)
  for (let index = 0; index < size; index += 1) {
    api.put(paths.services, serviceObject(nameOf(index), clusterIpOf(index), { ports }))
    api.put(paths.slices, slice(index))
  }
  // why: the list brings them; a watch that began at the list's version must not go through them
  api.compact()
  const server = await api.listen()
  const agent = startAgent([`--server=${server}`, `--dns-address=${dnsAddress}`], {
    NODE_NAME: node,
  })
  try {
    const loadMs = await agent.ready(120_000)
    await backends.reached(clusterIpOf(size - 1), new Set(endpointsOf(size - 1)))
    const rssMib = agent.rssMib()
    const dnsUs = await median(lookups, () => ask(nameOf(looked(size))))
    const connectUs = await median(lookups, () => backends.connect(clusterIpOf(looked(size))))
    const cpuBefore = cpuMs(agent.process.pid)
    const changeMs: number[] = []
    for (let change = 0; change < changes; change += 1)
      changeMs.push(await oneChange(api, at(size), change, backends))
    const changeCpuMs = (cpuMs(agent.process.pid) - cpuBefore) / changes
    const peakMib = status(agent.process.pid, 'VmHWM') / 1024
    return { loadMs, rssMib, peakMib, changeMs, changeCpuMs, dnsUs, connectUs }
  } finally {
    agent.process.kill('SIGKILL')
    await agent.exited
    execFileSync('nft', ['flush', 'ruleset'])
  }
}

function slice(index: number, endpoints: readonly string[] = endpointsOf(index)) {
  const object = sliceObject(`${nameOf(index)}-1`, nameOf(index), endpoints)
  return { ...object, ports: [{ name: 'tcp', port: endpointPort, protocol: 'TCP' }] }
}

/** All endpoints of a Service give way to one that nobody had before. */
async function oneChange(
  api: ApiDouble,
  index: number,
  change: number,
  backends: AnyBackend,
): Promise<number> {
  const fresh = `10.${200 + (change >> 16)}.${(change >> 8) & 255}.${change & 255}`
  const startedAt = performance.now()
  api.put(paths.slices, slice(index, [fresh]))
  await backends.reached(clusterIpOf(index), new Set([fresh]))
  return performance.now() - startedAt
}

async function ask(name: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`${name}: no answer`)), 2000)
    client.once('message', (answer) => {
      clearTimeout(late)
      // why: the low four bits of byte 3 are the response code (RFC 1035 section 4.1.1)
      if (((answer[3] ?? 0) & 15) === 0) resolve()
      else reject(new Error(`${name}: not NOERROR`))
    })
    client.send(encode(question(`${name}.default.svc.cluster.local`)), 53, dnsAddress)
  })
}

/** Median of many, in microseconds. */
async function median(count: number, work: () => Promise<unknown>): Promise<number> {
  const times: number[] = []
  for (let done = 0; done < count; done += 1) {
    const startedAt = performance.now()
    await work()
    times.push((performance.now() - startedAt) * 1000)
  }
  return times.sort((a, b) => a - b)[count >> 1] ?? NaN
}

function status(pid: number | undefined, field: string): number {
  const text = readFileSync(`/proc/${pid ?? 0}/status`, 'utf8')
  return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(text)?.[1])
}

/** Time on a CPU of all threads (proc(5), schedstat). */
function cpuMs(pid: number | undefined): number {
  const stat = execFileSync('sh', ['-c', `cat /proc/${pid ?? 0}/task/*/schedstat`], {
    encoding: 'utf8',
  })
  return stat
    .trim()
    .split('\n')
    .reduce((sum, line) => sum + Number(line.split(' ')[0]) / 1e6, 0)
}

function nameOf(index: number): string {
  return `bench-${index}`
}

function clusterIpOf(index: number): string {
  return `10.97.${index >> 8}.${index & 255}`
}

function endpointsOf(index: number): readonly string[] {
  return Array.from({ length: endpointsPerService }, (_, one) => {
    const number = index * endpointsPerService + one
    return `10.${130 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`
  })
}

/** One of ten Services, spread over all: so many as the smallest cluster has, so that each is as warm in every size. */
function looked(size: number): number {
  return at(10) * Math.floor(size / 10)
}

function at(size: number): number {
  return Math.floor(Math.random() * size)
}

function shuffled<T>(items: readonly T[]): readonly T[] {
  return items
    .map((item) => [Math.random(), item] as const)
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item)
}
