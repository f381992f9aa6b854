/** How many there are of something, for a message: `1 fragment`, `2 fragments`. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
	return `${count} ${count === 1 ? noun : plural}`;
}
