import type { ImageSource } from '../model/cluster.ts'

/** The image of the backend program, under the name that provider local knows it by, too. */
export function backendImageSource(baseImage = 'node:20-bookworm-slim'): ImageSource {
  return {
    name: 'meshmark/backend',
    folders: ['dist/harness/model', 'dist/harness/backends'],
    packages: ['ws', 'dns-packet'],
    dockerfile: [
      `FROM ${baseImage}`,
      'WORKDIR /meshmark',
      'COPY package.json ./',
      'COPY node_modules ./node_modules',
      'COPY dist ./dist',
      'ENTRYPOINT ["node", "/meshmark/dist/harness/backends/main.js"]',
      '',
    ].join('\n'),
  }
}
