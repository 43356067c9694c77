import { $ } from 'zx'
import type { AbortOptions } from '../../model/abort.ts'
import { ClusterError } from '../../model/errors.ts'

/** What a program said when it ended. */
export interface Ended {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** The oldest kind whose configuration and messages are known to fit. */
const leastVersion = [0, 20] as const

/** Characters of a failed program's output that an error quotes. */
const quotedCharacters = 2_000

/** What tools say when they fail, and what is behind it. The first that fits is told. */
const causes: readonly {
  readonly says: RegExp
  readonly code: 'tool-missing' | 'provision-failed' | 'disk-full' | 'port-in-use' | 'not-ready'
  readonly because: string
  readonly hint: string
}[] = [
  {
    says: /command not found|ENOENT/,
    code: 'tool-missing',
    because: 'it is not installed',
    hint: 'install docker and kind (https://kind.sigs.k8s.io/docs/user/quick-start), or use --provider local',
  },
  {
    says: /Cannot connect to the Docker daemon|failed to connect to the docker API|permission denied while trying to connect/i,
    code: 'provision-failed',
    because: 'Docker is not running, or you may not use it',
    hint: 'start it (systemctl start docker) and join its group, or use --provider local',
  },
  {
    says: /because a cluster with that name already exists/,
    code: 'provision-failed',
    because: 'a cluster of this name exists',
    hint: 'remove it: k3d cluster delete NAME',
  },
  {
    says: /unknown flag/,
    code: 'tool-missing',
    because: 'it does not know a flag that we use; it is too old or too new',
    hint: 'k3d: install version 5, https://k3d.io',
  },
  {
    says: /node\(s\) already exist for a cluster/,
    code: 'provision-failed',
    because: 'a cluster of this name exists',
    hint: 'remove it: kind delete cluster --name NAME',
  },
  {
    says: /no space left on device/,
    code: 'disk-full',
    because: 'the disk is full',
    hint: 'free some space where Docker keeps its data: docker system prune',
  },
  {
    says: /port is already allocated|address already in use/,
    code: 'port-in-use',
    because: 'a port is in use',
    hint: 'stop what listens there (docker ps, ss -ltnp)',
  },
  {
    says: /failed to pull (?:the )?image|manifest unknown|No such image|image .* not present locally/i,
    code: 'provision-failed',
    because: 'an image is neither here nor can it be pulled',
    hint: 'docker pull it first, or name one that is here (docker images): MESHMARK_KIND_NODE_IMAGE, --node-image, --nginx-image, --target-image',
  },
  {
    says: /timed out waiting for the condition|failed to init node with kubeadm|kubelet isn't running|failed to join node/,
    code: 'not-ready',
    because: 'a node did not come up',
    hint: 'often: too little memory, a full disk, or a node image that does not fit the cgroup version',
  },
  {
    says: /No nodes found for given cluster/,
    code: 'provision-failed',
    because: 'there is no such cluster',
    hint: 'see which there are: k3d cluster list',
  },
]

/** Runs a program and gives whatever it ended with. @throws the signal's reason */
export async function ended(argv: readonly string[], { signal }: AbortOptions): Promise<Ended> {
  signal.throwIfAborted()
  // why: zx leaves its listener on the signal, and a run has one signal for thousands of programs
  const own = AbortSignal.any([signal])
  const { exitCode, stdout, stderr } = await $({ nothrow: true, quiet: true, signal: own })`${argv}`
  signal.throwIfAborted()
  return { exitCode: exitCode ?? 1, stdout, stderr }
}

/**
 * Runs a program and gives what it wrote to stdout.
 * @throws ClusterError with the cause and the cure where the program's words are known
 */
export async function output(argv: readonly string[], options: AbortOptions): Promise<string> {
  const { exitCode, stdout, stderr } = await ended(argv, options)
  if (exitCode === 0) return stdout
  throw failure(argv, exitCode, stderr === '' ? stdout : stderr)
}

/** The error behind what a failed program said. */
export function failure(argv: readonly string[], exitCode: number, said: string): ClusterError {
  const what = argv.slice(0, 3).join(' ')
  const known = causes.find(({ says }) => says.test(said))
  const quoted = said.trim().slice(-quotedCharacters)
  if (known === undefined)
    return new ClusterError('program-failed', `${what}: exit code ${exitCode}: ${quoted}`)
  const { code, because, hint } = known
  return new ClusterError(code, `${what}: ${because}: ${quoted}`, { hint })
}

/** The kind CLI, as far as it is used here. */
export const kindCli = {
  /** @throws ClusterError 'tool-missing' when it is absent or too old */
  version: async (options: AbortOptions): Promise<string> =>
    checkedVersion(await output(['kind', 'version'], options)),
  create: async (
    name: string,
    configFile: string,
    kubeconfig: string,
    options: AbortOptions,
  ): Promise<void> => {
    await output(
      [
        ...['kind', 'create', 'cluster', '--name', name, '--config', configFile],
        // why: nodes become Ready on our watch, with a better account of why they do not
        ...['--kubeconfig', kubeconfig, '--wait', '0s'],
        // why: nodes that do not come up are asked for their logs before they are removed
        '--retain',
      ],
      options,
    )
  },
  clusters: async (options: AbortOptions): Promise<readonly string[]> =>
    (await output(['kind', 'get', 'clusters'], options)).split('\n').filter((line) => line !== ''),
  /** Loads an archive of `docker save` into the nodes that these containers are. */
  loadArchive: async (
    name: string,
    containers: readonly string[],
    archive: string,
    options: AbortOptions,
  ): Promise<void> => {
    const nodes = containers.join(',')
    await output(
      ['kind', 'load', 'image-archive', archive, '--name', name, '--nodes', nodes],
      options,
    )
  },
  exportLogs: async (name: string, directory: string, options: AbortOptions): Promise<void> => {
    await output(['kind', 'export', 'logs', '--name', name, directory], options)
  },
  delete: async (name: string, kubeconfig: string, options: AbortOptions): Promise<void> => {
    await output(['kind', 'delete', 'cluster', '--name', name, '--kubeconfig', kubeconfig], options)
  },
} as const

/** `kind v0.33.0 go1.26.8 linux/amd64` as `v0.33.0`. @throws ClusterError 'tool-missing' when it is too old */
export function checkedVersion(said: string): string {
  const [version = '', major, minor] = /v(\d+)\.(\d+)[^\s]*/.exec(said) ?? []
  const [leastMajor, leastMinor] = leastVersion
  const isNew =
    Number(major) > leastMajor || (Number(major) === leastMajor && Number(minor) >= leastMinor)
  if (!isNew)
    throw new ClusterError(
      'tool-missing',
      `kind says ${JSON.stringify(said.trim())}, want v${leastMajor}.${leastMinor} or newer`,
      { hint: 'install a newer one: https://kind.sigs.k8s.io/docs/user/quick-start' },
    )
  return version
}
