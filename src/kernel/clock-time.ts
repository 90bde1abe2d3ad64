/** "14:02", with the date where that is not today's; in the hub's time zone, which is its people's. */
export function clockTime(atMs: number, nowMs: number): string {
  const at = new Date(atMs)
  const time = `${twoDigits(at.getHours())}:${twoDigits(at.getMinutes())}`
  if (at.toDateString() === new Date(nowMs).toDateString()) return time
  return `${at.getFullYear()}-${twoDigits(at.getMonth() + 1)}-${twoDigits(at.getDate())} ${time}`
}

const twoDigits = (number: number) => String(number).padStart(2, '0')
