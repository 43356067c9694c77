import { range } from 'd3-array'
import type { ClusterInfo } from '../../../model/run-result.ts'
import { shortened } from '../../text.ts'
import { markup, type Markup } from '../markup.ts'
import { chart, width } from './chart.ts'

type Nodes = ClusterInfo['nodes']

const padding = 12
const titleHeight = 30
const nodeHeight = 46
const gap = 8
const betweenLans = 24

/** LANs as boxes with their nodes in them; several LANs hang on one line between them. */
export function topology(id: string, nodes: Nodes): Markup {
  const lans = [...new Set(nodes.map((node) => node.lan))].map((name) => ({
    name,
    nodes: nodes.filter((node) => node.lan === name),
  }))
  const [only] = lans
  const drawn =
    lans.length === 1 && only !== undefined
      ? drawLan(only, { x: 0.5, y: 0.5, width: width - 1, columns: 3 })
      : sideBySide(lans)
  return chart({
    id,
    title: `${nodes.length} nodes in ${lans.length === 1 ? 'one LAN' : `${lans.length} LANs`}`,
    description: lans
      .map(
        (lan) =>
          `${lan.name}: ${lan.nodes.map((node) => `${node.name} (${node.role}, ${node.address})`).join(', ')}`,
      )
      .join('; '),
    height: drawn.height + 1,
    content: drawn.content,
  })
}

interface LanBox {
  readonly name: string
  readonly nodes: Nodes
}

interface Place {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly columns: number
}

interface Drawn {
  readonly content: Markup
  readonly height: number
}

function sideBySide(lans: readonly LanBox[]): Drawn {
  const lanWidth = (width - betweenLans) / 2 - 0.5
  const middle = width / 2
  let y = 0.5
  const rows = range(0, lans.length, 2).map((first) => {
    const row = lans.slice(first, first + 2)
    const boxes = row.map((lan, at) =>
      drawLan(lan, {
        x: at === 0 ? 0.5 : middle + betweenLans / 2,
        y,
        width: lanWidth,
        columns: 1,
      }),
    )
    const rowY = y
    y += Math.max(...boxes.map((box) => box.height)) + gap
    const links = boxes.map(
      (_, at) =>
        markup`<path class="link" d="M${middle} ${rowY + 22}h${(at === 0 ? -1 : 1) * (betweenLans / 2)}"/>`,
    )
    return { content: markup`${links}${boxes.map((box) => box.content)}`, y: rowY + 22 }
  })
  const spine = markup`<path class="link" d="M${middle} ${rows[0]?.y ?? 0}V${rows.at(-1)?.y ?? 0}"/><circle class="joint" cx="${middle}" cy="${rows[0]?.y ?? 0}" r="4"/>`
  return { content: markup`${spine}${rows.map((row) => row.content)}`, height: y - gap }
}

function drawLan({ name, nodes }: LanBox, place: Place): Drawn {
  const inner = place.width - 2 * padding
  const nodeWidth = (inner - (place.columns - 1) * gap) / place.columns
  const height =
    titleHeight + Math.ceil(nodes.length / place.columns) * (nodeHeight + gap) - gap + padding
  const boxes = nodes.map((node, at) =>
    drawNode(node, {
      x: place.x + padding + (at % place.columns) * (nodeWidth + gap),
      y: place.y + titleHeight + Math.floor(at / place.columns) * (nodeHeight + gap),
      width: nodeWidth,
    }),
  )
  return {
    height,
    content: markup`<rect class="lan" x="${place.x}" y="${place.y}" width="${place.width}" height="${height}" rx="10"/><text class="caption" x="${place.x + padding}" y="${place.y + 20}">LAN ${short(name, place.width)}</text>${boxes}
`,
  }
}

function drawNode(node: Nodes[number], place: Omit<Place, 'columns'>): Markup {
  return markup`<rect class="node" x="${place.x}" y="${place.y}" width="${place.width}" height="${nodeHeight}" rx="6"/><text class="label strong" x="${place.x + 9}" y="${place.y + 19}">${short(node.name, place.width)}</text><text class="row" x="${place.x + 9}" y="${place.y + 36}">${short(node.address, place.width)}</text>`
}

/** What fits: about 7 units a character. */
function short(text: string, roomWidth: number): string {
  return shortened(text, Math.floor((roomWidth - 18) / 6.6))
}
