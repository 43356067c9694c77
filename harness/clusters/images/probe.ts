import type { ImageSource } from '../../model/cluster.ts'
import { muslLookup, nameLookupInC } from '../../model/name-lookup.ts'
import { type BuildOptions, buildImage, type BuiltImage } from './build.ts'

export interface ProbeImageInit {
  /** Folder of the installed package. */
  readonly packageDirectory: string
  /** An image with Node.js and Debian's apt, `node:20-bookworm-slim` by default. */
  readonly baseImage?: string
}

/** Folder of the package inside the image; programs are started as `node /meshmark/dist/harness/…`. */
export const probeImageDirectory = '/meshmark'

/** What stands at the positions of a cluster that runs containers: probes, load generators, tools of the network. */
export function probeImage(init: ProbeImageInit, options: BuildOptions): Promise<BuiltImage> {
  const { name, ...contents } = probeImageSource(init.baseImage)
  return buildImage(name, { packageDirectory: init.packageDirectory, ...contents }, options)
}

/** What the image of the probes is made of. */
export function probeImageSource(baseImage = 'node:20-bookworm-slim'): ImageSource {
  return {
    name: 'meshmark/probe',
    folders: ['model', 'probes', 'load', 'measure'].map((name) => `dist/harness/${name}`),
    packages: ['autocannon', 'dns-packet', 'hdr-histogram-js'],
    dockerfile: dockerfile(baseImage),
  }
}

function dockerfile(baseImage: string): string {
  const source = nameLookupInC.split('\n').map((line) => `'${line}'`)
  return [
    "# A client with another C library than Debian's.",
    `FROM ${baseImage} AS musl`,
    'RUN apt-get update && apt-get install -y --no-install-recommends gcc musl-tools',
    `RUN printf '%s\\n' ${source.join(' ')} > /lookup.c && musl-gcc -static -Os -s -o /lookup /lookup.c`,
    `FROM ${baseImage}`,
    'RUN apt-get update && apt-get install -y --no-install-recommends \\',
    '      conntrack curl iproute2 iptables nftables procps && rm -rf /var/lib/apt/lists/*',
    `COPY --from=musl /lookup /usr/local/bin/${muslLookup}`,
    `WORKDIR ${probeImageDirectory}`,
    'COPY package.json ./',
    'COPY node_modules ./node_modules',
    'COPY dist ./dist',
    '# It waits for programs that are put into its namespaces; SIGTERM ends it.',
    'CMD ["sleep", "infinity"]',
    '',
  ].join('\n')
}
