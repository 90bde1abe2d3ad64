import { z } from 'zod'

/** What `list_topics` gives. Members that say nothing are left out: a model pays for each. */
export const TopicList = z.object({
  topics: z
    .array(
      z.object({
        topic: z.string().describe('With + in it: several that are alike.'),
        topics: z.number().optional().describe('How many.'),
        names: z.array(z.string()).optional().describe('What stands for the first +, some of them.'),
        payload: z.string().describe('The latest, on one line, cut; binary ones are described.'),
        messages: z.number().describe('How many came.'),
        per_minute: z.number().optional().describe('In the last five minutes or so.'),
        retained: z.boolean().optional().describe('True: the broker keeps a message for it.'),
        age_s: z.number().optional().describe('Seconds since the latest. Retained ones may be older.'),
        size: z.number().optional().describe('Bytes of the latest payload.'),
        first_seen: z.string().optional(),
        last_seen: z.string().optional(),
        family: z.string().optional().describe('The kind of device that speaks so.'),
        schema: z.string().optional().describe('Topics with the same one have payloads of the same structure.'),
      }),
    )
    .describe('Sorted as asked for.'),
  total_topics: z.number(),
  total_messages: z.number(),
  ended_by: z
    .enum(['index', 'duration', 'max_topics', 'connection_lost'])
    .describe('index: answered from what the session knows, without listening anew.'),
  partial: z.literal(true).optional().describe('The connection was lost: what came meanwhile is missing.'),
  reason: z.string().optional().describe('Why the connection was lost.'),
  duration_s: z.number().describe('Seconds it listened; those of the index so far.'),
  evicted_topics: z.number().optional().describe('Topics that had to make room for others.'),
  next_cursor: z.string().optional().describe('There are more.'),
})
