import { Command } from 'commander'
import { backendImageSource } from '../../backends/image.ts'
import { buildImage } from '../../clusters/images/build.ts'
import { probeImageSource } from '../../clusters/images/probe.ts'
import { targetNamed } from '../adapters.ts'
import { interruption } from '../interrupt.ts'
import { stderr, stdout } from '../output.ts'
import { packageDirectory } from '../package.ts'
import type { Conclude } from '../program.ts'
import { k6Image } from '../second-opinion/k6-as-job.ts'

interface ImagesFlags {
  readonly imagePrefix: string
  readonly baseImage?: string
  readonly secondOpinion: boolean
}

/** `meshmark images`: builds what a cluster that exists has to find in its registry or its nodes. */
export function imagesCommand(conclude: Conclude): Command {
  return new Command('images')
    .description(
      'builds the images of probes, backends and the reference data plane, prints their names',
    )
    .option('--image-prefix <text>', 'before each name: registry.example/team/', '')
    .option('--base-image <image>', 'what they are built on: Node.js 20 on Debian')
    .option('--second-opinion', 'and that of k6, of the k6 on PATH', false)
    .action(async ({ imagePrefix, ...flags }: ImagesFlags) => {
      using stop = interruption()
      const sources = [
        probeImageSource(flags.baseImage),
        backendImageSource(flags.baseImage),
        ...((await (await targetNamed('reference', flags)).images?.()) ?? []),
        ...(flags.secondOpinion ? [k6Image(flags.baseImage)] : []),
      ]
      for (const { name, ...source } of sources) {
        const { reference } = await buildImage(
          `${imagePrefix}${name}`,
          { packageDirectory, ...source },
          { signal: stop.signal, progress: stderr },
        )
        stdout(reference)
      }
      conclude(0)
    })
}
