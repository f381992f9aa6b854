const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A length of time as it is written (`500ms`, `90s`, `10m`, `1.5h`), in milliseconds; null for other text. */
export function parseDuration(text: string): number | null {
	const match = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)$/.exec(text);
	return match === null ? null : Number(match[1]) * (UNITS_MS[match[2] as string] as number);
}
