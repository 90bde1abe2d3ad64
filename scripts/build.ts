/**
 * `npm run build`: dist/ with the program as JavaScript, for the container image and for installed packages. Only what
 * main.ts reaches is in it, beside the files that the program reads while it runs.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, globSync, rmSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const dist = join(root, 'dist')

// A file of an older build must not live on.
rmSync(dist, { recursive: true, force: true })
const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
const { status } = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' })
if (status !== 0 || !existsSync(join(dist, 'main.js'))) process.exit(status || 1)

/** Pages, styles and the scripts of the pages: everything in `src` that is no TypeScript and no README. */
for (const path of globSync('**/*.*', { cwd: join(root, 'src') }))
  if (!/\.(ts|md)$/.test(path)) cpSync(join(root, 'src', path), join(dist, path))
