const UNIT_BYTES: Readonly<Record<string, number>> = {
	KB: 1e3,
	MB: 1e6,
	GB: 1e9,
	KiB: 2 ** 10,
	MiB: 2 ** 20,
	GiB: 2 ** 30,
};

/** A size as it is written on the command line (`500MB`, `1.5GiB`), in bytes; null where it is not one, or nothing. */
export function parseByteSize(text: string): number | null {
	const match = /^(\d{1,9}(?:\.\d{1,3})?)([KMG]i?B)$/.exec(text);
	if (match === null) return null;
	const [, number, unit = ''] = match;
	return Math.floor(Number(number) * (UNIT_BYTES[unit] as number)) || null;
}
