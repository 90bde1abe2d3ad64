import { z } from 'zod'
import { topicFilterProblem, topicNameProblem } from '../../kernel/topic.ts'

/** A topic name as an operation's input. */
export const TopicName = z.string().superRefine((name, context) => {
  const problem = topicNameProblem(name)
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem })
})

/** A topic filter as an operation's input. */
export const TopicFilter = z.string().superRefine((filter, context) => {
  const problem = topicFilterProblem(filter)
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem })
})
