import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { programPath } from '../network/command.ts'

/** A local program that stands in for a container image. */
export interface Image {
  /** What runs when the container names no command: ENTRYPOINT and CMD in one. */
  readonly entrypoint: readonly string[]
  /** The part of `entrypoint` that `args` replace: how many words at its end are the CMD. */
  readonly commandWords: number
  /** Shell commands that prepare the pod's mounts before the first start. */
  readonly prepare?: string
}

/** `docker.io/library/nginx:1.22@sha256:...` is `nginx`. */
export function repositoryOf(image: string): string {
  const [withoutDigest = ''] = image.split('@')
  const path = withoutDigest.replace(/:[^/:]*$/, '')
  return path.replace(/^(docker\.io|index\.docker\.io)\//, '').replace(/^library\//, '')
}

/**
 * The official nginx image's configuration, with what a pod of provider local needs: in a user namespace there is
 * no other user than root to give workers to.
 */
const nginxConf = `user root;
worker_processes auto;
error_log stderr notice;
pid /run/nginx.pid;
events { worker_connections 1024; }
http {
  include /etc/nginx/mime.types;
  default_type application/octet-stream;
  access_log /dev/stdout;
  sendfile on;
  keepalive_timeout 65;
  keepalive_requests 100000;
  include /etc/nginx/conf.d/*.conf;
}
`

const nginxDefault = `server {
  listen 80;
  server_name localhost;
  location / {
    root /usr/share/nginx/html;
    index index.html index.htm;
  }
}
`

/** Puts the image's own files over those of the host's nginx; a ConfigMap may be mounted over conf.d afterwards. */
const prepareNginx = `mkdir -p $POD/nginx/conf.d
cat > $POD/nginx/nginx.conf <<'END'
${nginxConf}END
cat > $POD/nginx/conf.d/default.conf <<'END'
${nginxDefault}END
for file in mime.types; do cp /etc/nginx/$file $POD/nginx/$file; done
mount --bind $POD/nginx /etc/nginx
for dir in /var/log/nginx /var/lib/nginx; do [ ! -d $dir ] || mount -t tmpfs tmpfs $dir; done`

/** Every image that provider local knows, by repository; tags and digests make no difference. */
export function images(packageDir: string): ReadonlyMap<string, Image> {
  const node = (...path: string[]): readonly string[] => [
    process.execPath,
    join(packageDir, 'dist', ...path),
  ]
  const table = new Map<string, Image>([
    [
      'nginx',
      { entrypoint: ['nginx', '-g', 'daemon off;'], commandWords: 3, prepare: prepareNginx },
    ],
    ['meshmark/probe', { entrypoint: ['sleep', 'infinity'], commandWords: 2 }],
    ['meshmark/reference', { entrypoint: node('reference-impl', 'main.js'), commandWords: 0 }],
  ])
  const shells: readonly (readonly [string, readonly string[]])[] = [
    ['busybox', ['sh']],
    ['alpine', ['/bin/sh']],
    ['debian', ['bash']],
    ['curlimages/curl', ['curl', '--help']],
  ]
  for (const [name, entrypoint] of shells)
    if (isInstalled(entrypoint[0] ?? ''))
      table.set(name, { entrypoint, commandWords: entrypoint.length })
  return table
}

function isInstalled(program: string): boolean {
  return programPath
    .split(':')
    .some((folder) => existsSync(join(folder, program)) || existsSync(program))
}

/** What a container's command line comes to: `command` replaces ENTRYPOINT, `args` replace CMD. */
export function commandLine(
  image: Image,
  { command, args }: { readonly command?: readonly string[]; readonly args?: readonly string[] },
): readonly string[] {
  if (command !== undefined && command.length > 0) return [...command, ...(args ?? [])]
  if (args === undefined || args.length === 0) return image.entrypoint
  const kept = image.entrypoint.slice(0, image.entrypoint.length - image.commandWords)
  return [
    ...(kept.length === 0 && image.entrypoint[0] !== undefined && image.commandWords > 1
      ? [image.entrypoint[0]]
      : kept),
    ...args,
  ]
}
