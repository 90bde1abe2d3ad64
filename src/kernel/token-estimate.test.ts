import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { encode } from 'gpt-tokenizer/encoding/o200k_base'
import { estimateTokens } from './token-estimate.ts'

const source = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')

const rows = Array.from({ length: 100 }, (_, at) => ({
  id: at,
  name: `device ${at}`,
  value: Math.sin(at) * 100,
  at: new Date(1.7e12 + at * 1e7).toISOString(),
}))

const bytes = Buffer.from(Array.from({ length: 3000 }, (_, at) => (at * 7919 + ((at * at) % 251)) % 256))

/** Text, and by how much the estimate may be wrong. */
const SAMPLES: readonly (readonly [title: string, text: string, error: number])[] = [
  ['a program', source('./invoke.ts'), 0.15],
  ['English, with Markdown', source('../../docs/guide/mqtt.md'), 0.15],
  ['records as JSON', JSON.stringify(rows), 0.15],
  ['the same, indented', JSON.stringify(rows, null, 2), 0.15],
  ['descriptions of operations', source('../../docs/reference/openapi.json'), 0.15],
  [
    'German',
    'Das Programm läuft auf einem kleinen Rechner im Haus und verbindet die Assistenten mit den Geräten, die dort ' +
      'vorhanden sind. Wenn etwas ausfällt, sagt es warum und seit wann; niemand muss es neu einrichten.',
    0.2,
  ],
  [
    'French',
    'Le programme fonctionne sur un petit ordinateur à la maison et relie les assistants aux appareils qui s’y trouvent. ' +
      'Lorsque quelque chose tombe en panne, il dit pourquoi et depuis quand; personne ne doit le réinstaller.',
    0.2,
  ],
  [
    'Spanish',
    'El programa funciona en un pequeño ordenador de la casa y conecta los asistentes con los dispositivos que hay allí. ' +
      'Cuando algo falla, dice por qué y desde cuándo; nadie tiene que volver a configurarlo.',
    0.2,
  ],
  [
    'Russian',
    'Программа работает на небольшом компьютере в доме и соединяет помощников с устройствами, которые там есть. Если ' +
      'что-то выходит из строя, она говорит, почему и с каких пор.',
    0.2,
  ],
  ['Chinese', '该程序在家里的一台小型计算机上运行，并将助手与那里的设备连接起来。如果出现故障，它会说明原因。', 0.35],
  [
    'Japanese',
    'このプログラムは家の中の小さなコンピューターで動作し、アシスタントをそこにある機器に接続します。',
    0.35,
  ],
  ['base64', bytes.toString('base64'), 0.35],
  ['identifiers', '6f1c2a6e-0a53-4a6b-9a3c-5b0f4d2f7c11\n'.repeat(20), 0.35],
]

suite('estimate of tokens, against the tokenizer o200k', () => {
  for (const [title, text, error] of SAMPLES)
    test(`${title}: within ${error * 100} %`, () => {
      const real = encode(text).length
      const off = estimateTokens(text) / real - 1
      assert.ok(Math.abs(off) <= error, `${estimateTokens(text)} for ${real}: ${(off * 100).toFixed(1)} %`)
    })

  test('of nothing is nothing', () => assert.equal(estimateTokens(''), 0))
})
