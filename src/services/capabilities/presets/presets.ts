import type { Preset } from './preset.ts'

/** Closes by address in one step, where the tool for tabs wants a number that another caller may have changed. */
const CLOSE_TAB =
  'async (page) => { const url = {{input.url | json}}; const tabs = page.context().pages().filter((tab) => tab.url() === url); ' +
  'for (const tab of tabs) await tab.close(); return { closed: tabs.length } }'

/** In order of preference where several offer the same. */
export const PRESETS: readonly Preset[] = [
  {
    kind: 'playwright',
    server: '@playwright/mcp',
    known: 'run',
    tools: ['browser_navigate', 'browser_tabs', 'browser_snapshot'],
    offers: {
      detect_browser_tabs: {
        tool: 'browser_tabs',
        arguments: { action: 'list' },
        result: { tabs: '{{result.text | lines | like: "- *](" | like: input.url_pattern}}' },
      },
      close_browser_tab: {
        tool: 'browser_run_code_unsafe',
        arguments: { code: CLOSE_TAB },
        result: '{{result.text | parse}}',
      },
      navigate: { tool: 'browser_navigate', arguments: { url: '{{input.url}}' } },
      take_screenshot: { tool: 'browser_take_screenshot', arguments: { scale: 'css' } },
      read_screen: { tool: 'browser_snapshot', arguments: {}, result: { text: '{{result.text}}' } },
    },
  },
  {
    kind: 'browser_tools',
    server: 'browser-control-mcp',
    known: 'source',
    tools: ['open-browser-tab', 'close-browser-tabs', 'get-list-of-open-tabs'],
    offers: {
      detect_browser_tabs: {
        tool: 'get-list-of-open-tabs',
        arguments: {},
        result: { tabs: '{{result.text | lines | like: input.url_pattern}}' },
      },
      navigate: { tool: 'open-browser-tab', arguments: { url: '{{input.url}}' } },
    },
  },
  {
    kind: 'webcam',
    server: 'mcp-webcam',
    known: 'source',
    tools: ['capture', 'screenshot'],
    offers: {
      capture_frame: { tool: 'capture', arguments: {} },
      take_screenshot: { tool: 'screenshot', arguments: {} },
    },
  },
  {
    kind: 'avatar_video',
    server: 'heygen-mcp',
    known: 'source',
    tools: ['generate_avatar_video', 'get_avatar_video_status'],
    offers: {
      create_avatar_video: {
        tool: 'generate_avatar_video',
        arguments: { avatar_id: '{{input.avatar}}', input_text: '{{input.text}}', voice_id: '{{input.voice}}' },
        error: '{{result.json.error}}',
      },
      get_avatar_video: {
        tool: 'get_avatar_video_status',
        arguments: { video_id: '{{input.video}}' },
        error: '{{result.json.error}}',
      },
    },
  },
  {
    kind: 'speech',
    server: 'elevenlabs-mcp',
    known: 'source',
    tools: ['text_to_speech', 'speech_to_text', 'search_voices'],
    offers: {
      synthesize_speech: {
        tool: 'text_to_speech',
        arguments: { text: '{{input.text}}', voice_name: '{{input.voice}}' },
      },
      transcribe_speech: {
        tool: 'speech_to_text',
        arguments: {
          input_file_path: '{{input.path}}',
          language_code: '{{input.language}}',
          save_transcript_to_file: false,
          return_transcript_to_client_directly: true,
        },
        result: { text: '{{result.text}}' },
      },
    },
  },
  {
    kind: 'memory',
    server: '@modelcontextprotocol/server-memory',
    known: 'run',
    tools: ['create_entities', 'search_nodes', 'read_graph'],
    offers: {
      store_event: {
        tool: 'create_entities',
        arguments: {
          entities: [
            {
              name: '{{input.event.type ?? "event"}} {{now}}',
              entityType: 'event',
              observations: ['{{input.event | json}}'],
            },
          ],
        },
        result: { stored: '{{result.json.entities[0].name}}' },
      },
      search_memory: { tool: 'search_nodes', arguments: { query: '{{input.query}}' }, result: '{{result.json}}' },
    },
  },
  {
    kind: 'filesystem',
    server: '@modelcontextprotocol/server-filesystem',
    known: 'run',
    tools: ['read_text_file', 'write_file', 'list_directory'],
    offers: {
      read_file: {
        tool: 'read_text_file',
        arguments: { path: '{{input.path}}' },
        result: { content: '{{result.text}}' },
      },
      write_file: {
        tool: 'write_file',
        arguments: { path: '{{input.path}}', content: '{{input.content}}' },
        result: { message: '{{result.text}}' },
      },
      list_files: {
        tool: 'list_directory',
        arguments: { path: '{{input.path}}' },
        result: { entries: '{{result.text | lines}}' },
      },
    },
  },
  {
    kind: 'windows_desktop',
    server: 'Windows-MCP',
    known: 'source',
    tools: ['Snapshot', 'Screenshot'],
    offers: {
      take_screenshot: { tool: 'Screenshot', arguments: {} },
      read_screen: { tool: 'Snapshot', arguments: {}, result: { text: '{{result.text}}' } },
    },
  },
  {
    kind: 'windows_desktop',
    server: 'Windows-MCP, its first releases',
    known: 'source',
    tools: ['State-Tool', 'Launch-Tool'],
    offers: {
      take_screenshot: { tool: 'State-Tool', arguments: { use_vision: true } },
      read_screen: { tool: 'State-Tool', arguments: {}, result: { text: '{{result.text}}' } },
      launch_application: { tool: 'Launch-Tool', arguments: { name: '{{input.name}}' } },
    },
  },
  {
    kind: 'notification',
    server: 'apple-notifier-mcp',
    known: 'source',
    tools: ['send_notification'],
    offers: {
      show_notification: {
        tool: 'send_notification',
        arguments: { title: '{{input.title}}', message: '{{input.message}}' },
      },
      synthesize_speech: {
        tool: 'speak',
        arguments: { text: '{{input.text}}' },
        result: { message: '{{result.text}}' },
      },
      ask_person: {
        tool: 'prompt_user',
        arguments: { message: '{{input.message}}', defaultAnswer: '{{input.default}}' },
        result: '{{result.text | parse}}',
      },
    },
  },
]
