/** Adds the value of an option that may be given again to those before it. */
export function append(value: string, values: readonly string[] = []): string[] {
	return [...values, value];
}
