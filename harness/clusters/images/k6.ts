import type { ImageSource } from '../../model/cluster.ts'

/** Name of the program in the image, and of the file in its build context. */
const program = 'k6'

/**
 * What the image of k6 is made of.
 * @param binary - path of this machine's k6, a program for the nodes' system and architecture
 */
export function k6ImageSource(binary: string, baseImage = 'node:20-bookworm-slim'): ImageSource {
  return {
    name: 'meshmark/k6',
    folders: [],
    packages: [],
    files: [{ from: binary, to: program }],
    dockerfile: [
      `FROM ${baseImage}`,
      `COPY ${program} /usr/local/bin/k6`,
      'USER 65534:65534',
      '',
    ].join('\n'),
  }
}
