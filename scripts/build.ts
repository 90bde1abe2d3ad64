/**
 * `npm run build`: dist/ with the program as JavaScript, for the container image and for installed packages. Only what
 * main.ts and the threads (`*.worker.ts`) reach is in it, beside the files that the program reads while it runs. Another
 * folder can be given.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, globSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

const root = dirname(import.meta.dirname)
const other = process.argv[2]
const dist = resolve(other ?? join(root, 'dist'))

// A file of an older build must not live on; what else lies in a folder of somebody's choice is not ours to remove.
if (other === undefined) rmSync(dist, { recursive: true, force: true })
const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
const options = ['-p', join(root, 'tsconfig.build.json'), '--outDir', dist]
const { status } = spawnSync(process.execPath, [compiler, ...options], { stdio: 'inherit' })
if (status !== 0) process.exit(status ?? 1)

// The pages with their styles and scripts.
for (const path of globSync('**/*.{html,css,js}', { cwd: join(root, 'src') }))
  cpSync(join(root, 'src', path), join(dist, path))
