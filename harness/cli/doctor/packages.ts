import { execute, which } from './execute.ts'

/** A package manager that meshmark knows how to use. */
export interface PackageManager {
  readonly id: string
  /** Commands that install these packages, each as argv; run one after the other. */
  readonly commands: (packages: readonly string[]) => readonly (readonly [string, ...string[]])[]
  /** Names of packages where they differ from Debian's. */
  readonly names: Readonly<Record<string, string>>
}

const managers: readonly PackageManager[] = [
  {
    id: 'apt-get',
    commands: (packages) => [
      ['apt-get', 'update', '-q'],
      ['apt-get', 'install', '-y', '-q', '--no-install-recommends', ...packages],
    ],
    names: {},
  },
  {
    id: 'dnf',
    commands: (packages) => [['dnf', 'install', '-y', ...packages]],
    names: { iproute2: 'iproute' },
  },
  { id: 'apk', commands: (packages) => [['apk', 'add', ...packages]], names: {} },
  {
    id: 'pacman',
    commands: (packages) => [['pacman', '-Sy', '--noconfirm', ...packages]],
    names: {},
  },
  { id: 'zypper', commands: (packages) => [['zypper', '-n', 'install', ...packages]], names: {} },
]

/** The first package manager that this machine has. */
export function packageManager(): PackageManager | undefined {
  return managers.find((manager) => which(manager.id) !== undefined)
}

/** Whether packages may be installed: as root, or through sudo without a password, or not at all. */
export async function privilege(): Promise<'root' | 'sudo' | 'none'> {
  if (process.getuid?.() === 0) return 'root'
  if (which('sudo') !== undefined && (await execute('sudo', ['-n', 'true'])).code === 0)
    return 'sudo'
  return 'none'
}

/** The command lines that install these packages here, with sudo where it takes it. */
export function installCommands(
  manager: PackageManager,
  wanted: readonly string[],
  asRoot: boolean,
): readonly (readonly [string, ...string[]])[] {
  const packages = [...new Set(wanted.map((name) => manager.names[name] ?? name))]
  return manager
    .commands(packages)
    .map((argv) => (asRoot ? argv : (['sudo', '-n', ...argv] satisfies [string, ...string[]])))
}

/** A cure that a person can paste: `sudo apt-get install -y nginx`. */
export function installHint(name: string): string {
  const manager = packageManager()
  if (manager === undefined) return `install ${name} with your system's package manager`
  const last = manager.commands([manager.names[name] ?? name]).at(-1) ?? []
  return `${process.getuid?.() === 0 ? '' : 'sudo '}${last.filter((word) => word !== '-q' && word !== '--no-install-recommends').join(' ')}`
}
