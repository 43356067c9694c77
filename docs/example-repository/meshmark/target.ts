import { agent } from './agent.ts'

export default agent(process.env['AGENT_IMAGE'] ?? 'agent:candidate')
