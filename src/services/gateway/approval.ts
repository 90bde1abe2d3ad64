import { z } from 'zod'
import { operation } from '../../kernel/operation.ts'
import { Name, type Deps } from './shapes.ts'

export const reviewTools = operation<Deps>()({
  name: 'gateway.review_tools',
  summary: 'Tools of MCP servers that are held back because they changed since they were approved, with what changed.',
  scope: 'gateway:read',
  effect: 'read',
  input: z.object({ name: Name.optional() }),
  output: z.object({
    tools: z.array(
      z.object({
        server: z.string(),
        tool: z.string(),
        why: z.enum(['new', 'changed']),
        fingerprint: z.string().describe('Of the tool as it is now'),
        approved_at: z.iso.datetime().optional(),
        changes: z.array(z.object({ member: z.string(), before: z.unknown(), now: z.unknown() })),
      }),
    ),
  }),
  handler: async ({ name }, { gateway }) => ({
    tools: gateway.held(name).map(({ server, name: tool, why, fingerprint, approvedAtMs, changes }) => ({
      server,
      tool,
      why,
      fingerprint,
      ...(approvedAtMs !== undefined && { approved_at: new Date(approvedAtMs).toISOString() }),
      changes: changes.map(({ member, before = null, now = null }) => ({ member, before, now })),
    })),
  }),
})

export const approveTools = operation<Deps>()({
  name: 'gateway.approve_tools',
  summary:
    'Lets tools of an MCP server through as they are now. For a person who has read review_tools, not for a model.',
  scope: 'gateway:approve',
  effect: 'write',
  idempotent: true,
  // What a tool newly says of itself could tell a model to approve it.
  forModels: false,
  input: z.object({
    name: Name,
    tools: z.array(z.string()).min(1).optional().describe('Absent: every tool of it that is held back'),
    fingerprints: z
      .record(z.string(), z.string())
      .optional()
      .describe('By tool, as review_tools gave them: one that changed again since is refused'),
  }),
  output: z.object({ approved: z.array(z.string()) }),
  async handler({ name, tools, fingerprints = {} }, { gateway }) {
    const chosen = tools ?? gateway.held(name).map((tool) => tool.name)
    const approvals = chosen.map((tool) => ({
      name: tool,
      ...(Object.hasOwn(fingerprints, tool) && { fingerprint: fingerprints[tool] }),
    }))
    return { approved: [...(await gateway.approve(name, approvals))] }
  },
})
