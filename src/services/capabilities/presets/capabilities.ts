import type { CapabilityDefinition } from '../definition.ts'

type Named = Omit<CapabilityDefinition, 'name' | 'providers'>

const text = (description: string) => ({ type: 'string', description }) as const
const optionalText = (description: string) => ({ type: 'string', description, optional: true }) as const

/** What servers of the known kinds can do, whichever server does it. */
export const KNOWN_CAPABILITIES: Readonly<Record<string, Named>> = {
  synthesize_speech: {
    description: 'Speaks a text: gives the audio, says where it was saved, or is heard at the computer.',
    effect: 'write',
    input: { text: text('What to say'), voice: optionalText('Name of a voice; absent: the default one') },
  },
  transcribe_speech: {
    description: 'What is said in an audio file, as text.',
    effect: 'read',
    input: { path: text('The audio file, as the server sees it'), language: optionalText('ISO 639-3 code') },
  },
  create_avatar_video: {
    description: 'Starts a video in which an avatar says a text; get_avatar_video has it when it is ready.',
    effect: 'write',
    input: { text: text('What to say'), avatar: text('Id of the avatar'), voice: text('Id of the voice') },
  },
  get_avatar_video: {
    description: 'How far an avatar video is, and where it is when it is ready.',
    effect: 'read',
    input: { video: text('Id of the video') },
  },
  capture_frame: { description: 'A picture from the camera.', effect: 'read', input: {} },
  take_screenshot: { description: 'A picture of the screen or of the page that is open.', effect: 'read', input: {} },
  read_screen: { description: 'What is on the screen or the page, as text.', effect: 'read', input: {} },
  detect_browser_tabs: {
    description: 'The open browser tabs whose address or title has this in it, a line for each.',
    effect: 'read',
    input: { url_pattern: { ...text('Part of the address; * stands for anything'), default: '*' } },
  },
  close_browser_tab: {
    description: 'Closes the browser tabs that show this address.',
    effect: 'destructive',
    input: { url: text('The address, exactly') },
  },
  navigate: { description: 'Opens an address in the browser.', effect: 'write', input: { url: text('The address') } },
  store_event: {
    description: 'Keeps something that happened in the memory.',
    effect: 'write',
    input: {
      event: { type: 'object', description: 'What happened: {"type": "…"} and whatever belongs to it' },
    },
  },
  search_memory: { description: 'What the memory has about this.', effect: 'read', input: { query: text('Words') } },
  read_file: { description: 'The text of a file.', effect: 'read', input: { path: text('The file') } },
  write_file: {
    description: 'Writes a text file, over one that is there.',
    effect: 'destructive',
    input: { path: text('The file'), content: text('The whole text') },
  },
  list_files: { description: 'What is in a folder.', effect: 'read', input: { path: text('The folder') } },
  show_notification: {
    description: 'Shows a notification to the person at the computer.',
    effect: 'write',
    input: { title: text('A few words'), message: text('The message') },
  },
  ask_person: {
    description: 'Asks the person at the computer something in a dialog, and gives the answer.',
    effect: 'write',
    input: { message: text('The question'), default: optionalText('What stands there already') },
  },
  launch_application: {
    description: 'Starts a program on the desktop.',
    effect: 'write',
    input: { name: text('Its name, as in the start menu') },
  },
}
