import { type Command, InvalidArgumentError, Option } from 'commander'
import { type KubeProxyMode, kubeProxyModes } from '../clusters/kind/config.ts'
import { type ControlPlane, controlPlanes } from '../clusters/local/provider.ts'
import { type ProxyMode, proxyModes } from '../targets/reference/target.ts'

/** Flags that every command which boots a cluster takes. */
export interface RunFlags {
  readonly provider?: string
  readonly controlPlane?: ControlPlane
  readonly kubeProxyMode?: KubeProxyMode
  readonly nodeImage?: string
  readonly baseImage?: string
  readonly nginxImage?: string
  readonly k6Image?: string
  readonly ipFamily?: 'ipv4' | 'dual'
  readonly cni?: string
  readonly keep: boolean
  readonly cluster?: string
  readonly kubeconfig?: string
  readonly context?: string
  readonly edgeNodes?: readonly string[]
  readonly imagePrefix?: string
  readonly yesThisCluster?: string
  readonly target?: string
  readonly targetImage?: string
  readonly targetBinary?: string
  readonly targetProxyMode?: ProxyMode
  readonly targetResources?: 'shipped' | 'none'
  readonly out?: string
  readonly config?: string
  readonly seed?: number
  readonly json: boolean
  readonly yes: boolean
}

export function withRunFlags(command: Command): Command {
  return command
    .option('--config <file>', 'settings (default: meshmark.yaml, where it exists)')
    .option('--provider <name>', 'where the cluster comes from (default: local)')
    .addOption(
      new Option(
        '--control-plane <kind>',
        'API server of provider local: ours, or the real one from KUBEBUILDER_ASSETS or PATH',
      )
        .choices(controlPlanes)
        .default('embedded' satisfies ControlPlane),
    )
    .addOption(
      new Option(
        '--kube-proxy-mode <mode>',
        'of provider kind, and of target kube-proxy-coredns on local; none leaves every Service to the target',
      ).choices(kubeProxyModes),
    )
    .option(
      '--node-image <image>',
      'of the nodes of kind and k3d (default: MESHMARK_KIND_NODE_IMAGE, MESHMARK_K3S_IMAGE, or their own)',
    )
    .option('--base-image <image>', 'what our images are built on: Node.js 20 on Debian')
    .option('--nginx-image <image>', 'of the sample nginx (default: nginx:1.22)')
    .option(
      '--k6-image <image>',
      'of k6 for --second-opinion in clusters (default: built of the k6 on PATH)',
    )
    .addOption(
      new Option('--ip-family <family>', 'of the pods and Services of provider kind').choices([
        'ipv4',
        'dual',
      ]),
    )
    .option('--cni <file>', "manifests of another pod network than kind's own")
    .option('--keep', 'the cluster stays (provider kind); --cluster uses it again', false)
    .option('--cluster <name>', 'a kept cluster to use instead of a new one (provider kind)')
    .option('--kubeconfig <file>', 'of provider kubeconfig (default: KUBECONFIG, ~/.kube/config)')
    .option('--context <name>', 'of provider kubeconfig (default: the current one)')
    .option('--edge-nodes <names>', 'of provider kubeconfig (default: by label)', commaSeparated)
    .option('--image-prefix <text>', 'where the cluster finds our images: registry.example/team/')
    .option('--yes-this-cluster <context>', 'agree to a cluster that looks like production')
    .option(
      '--target <name>',
      'the data plane under test, or a file of yours: ./my-target.ts (default: reference)',
    )
    .option('--target-image <image>', 'image of the target (edgemesh)')
    .option('--target-binary <file>', 'program of the target, for provider local (edgemesh)')
    .addOption(
      new Option(
        '--target-proxy-mode <mode>',
        'who forwards: the kernel, or the agent itself (reference; default: nftables)',
      ).choices(proxyModes),
    )
    .addOption(
      new Option(
        '--target-resources <which>',
        "limits of the target's CPU and memory: as it ships, or none (edgemesh; default: shipped)",
      ).choices(['shipped', 'none']),
    )
    .option('--out <dir>', 'where results go (default: meshmark-out/<run id>)')
    .option('--seed <n>', 'seed of everything random, 0 to 4294967295', parseSeed)
    .option('--json', 'print the result as JSON on stdout', false)
    .option('-y, --yes', "install what is missing with the system's package manager", false)
}

/** Agreement to install: given by flag, or once for all in CI. */
export function agreed(flags: { readonly yes: boolean }): boolean {
  return flags.yes || process.env['CI'] === 'true'
}

/** Parses names with commas between. */
export function commaSeparated(text: string): readonly string[] {
  const names = text.split(',').filter((name) => name !== '')
  if (names.length === 0) throw new InvalidArgumentError('want names with commas between: a,b')
  return names
}

function parseSeed(text: string): number {
  const seed = Number(text)
  if (!/^\d+$/.test(text) || seed > 0xffff_ffff)
    throw new InvalidArgumentError('want a whole number from 0 to 4294967295')
  return seed
}

/** Parses a whole number within bounds; commander prints the message with the flag's name. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (!/^\d+$/.test(text) || value < least || value > most)
      throw new InvalidArgumentError(`want a whole number from ${least} to ${most}`)
    return value
  }
}
