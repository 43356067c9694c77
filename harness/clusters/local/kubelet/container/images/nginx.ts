import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { Mount } from '../root-fs.ts'

/**
 * The official image's nginx.conf with two differences: workers are root's, because a user namespace has no other user
 * to give them to, and the access log is written in pieces, because the kubelet that reads it shares the machine with
 * what is being measured.
 */
const nginxConf = `user root;
worker_processes auto;

error_log /dev/stderr notice;
pid /run/nginx.pid;

events {
    worker_connections 1024;
}

http {
    include /etc/nginx/mime.types;
    default_type application/octet-stream;

    log_format main '$remote_addr - $remote_user [$time_local] "$request" '
                    '$status $body_bytes_sent "$http_referer" '
                    '"$http_user_agent" "$http_x_forwarded_for"';

    access_log /dev/stdout main buffer=32k flush=200ms;

    sendfile on;
    keepalive_timeout 65;

    include /etc/nginx/conf.d/*.conf;
}
`

/** The official image's conf.d/default.conf. */
const defaultConf = `server {
    listen 80;
    server_name localhost;

    location / {
        root /usr/share/nginx/html;
        index index.html index.htm;
    }

    error_page 500 502 503 504 /50x.html;
    location = /50x.html {
        root /usr/share/nginx/html;
    }
}
`

/** Stands in where the machine's package has no page; the usual packages have nginx's own. */
const welcomePage = `<!DOCTYPE html>
<html>
<head>
<title>Welcome to nginx!</title>
</head>
<body>
<h1>Welcome to nginx!</h1>
</body>
</html>
`

const stockFolder = '/etc/nginx'
const pages = '/usr/share/nginx/html'

/**
 * Files of the image `nginx`: its configuration and conf.d (a ConfigMap may be mounted over it afterwards), the stock
 * page, and folders for logs and temporary files.
 */
export function nginxFiles(folder: string): readonly Mount[] {
  const conf = join(folder, 'nginx')
  mkdirSync(join(conf, 'conf.d'), { recursive: true })
  for (const { name } of readdirSync(stockFolder, { withFileTypes: true }).filter((one) =>
    one.isFile(),
  ))
    copyFileSync(join(stockFolder, name), join(conf, name))
  writeFileSync(join(conf, 'nginx.conf'), nginxConf)
  writeFileSync(join(conf, 'conf.d', 'default.conf'), defaultConf)
  const html = join(folder, 'html')
  mkdirSync(html)
  if (existsSync(join(pages, 'index.html')))
    copyFileSync(join(pages, 'index.html'), join(html, 'index.html'))
  else writeFileSync(join(html, 'index.html'), welcomePage)
  const logs = join(folder, 'nginx-log')
  mkdirSync(logs)
  symlinkSync('/dev/stdout', join(logs, 'access.log'))
  symlinkSync('/dev/stderr', join(logs, 'error.log'))
  const state = join(folder, 'nginx-lib')
  mkdirSync(state)
  return [
    { source: conf, target: stockFolder, readOnly: false },
    { source: html, target: pages, readOnly: false },
    { source: logs, target: '/var/log/nginx', readOnly: false },
    { source: state, target: '/var/lib/nginx', readOnly: false },
  ]
}
