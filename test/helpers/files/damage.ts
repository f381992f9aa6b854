/** Ways in which a file is damaged, by chance or by hand. Null: the file is gone. */
const damages = {
	'a bit is another': (bytes, random) => {
		const at = Math.floor(random() * bytes.length);
		bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(random() * 8));
		return bytes;
	},
	'a block is zero': (bytes, random) => {
		const at = Math.floor(random() * bytes.length);
		bytes.subarray(at, at + 1 + Math.floor(random() * 4096)).fill(0);
		return bytes;
	},
	'the end is missing': (bytes, random) => bytes.subarray(0, Math.floor(random() * bytes.length)),
	'there is more after the end': (bytes, random) =>
		Buffer.concat([bytes, Buffer.alloc(1 + Math.floor(random() * 4096), 'more\n')]),
	'a piece is missing': (bytes, random) => {
		const at = Math.floor(random() * bytes.length);
		return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + Math.floor(random() * 1024))]);
	},
	'a line comes twice': (bytes, random) => {
		const lines = bytes.toString('latin1').split('\n');
		const at = Math.floor(random() * lines.length);
		lines.splice(at, 0, lines[at] ?? '');
		return Buffer.from(lines.join('\n'), 'latin1');
	},
	'a line is missing': (bytes, random) => {
		const lines = bytes.toString('latin1').split('\n');
		lines.splice(Math.floor(random() * lines.length), 1);
		return Buffer.from(lines.join('\n'), 'latin1');
	},
	'it is another file': (_, random) => Buffer.alloc(Math.floor(random() * 4096), 'rubbish\n'),
	'it is empty': () => Buffer.alloc(0),
	'it is gone': () => null,
} satisfies Record<string, (bytes: Buffer, random: () => number) => Buffer | null>;

/** Numbers from 0 to 1, the same for the same seed. */
export function randomFrom(seed: number): () => number {
	let state = seed >>> 0;
	return () => {
		state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
		return state / 2 ** 32;
	};
}

/** Damages a copy of what is in a file in one of many ways, and says which; null where the file is to be gone. */
export function damage(
	bytes: Buffer,
	random: () => number,
): { readonly how: string; readonly bytes: Buffer | null } {
	const ways = Object.entries(damages);
	const [how, change] = ways[Math.floor(random() * ways.length)] as (typeof ways)[number];
	return { how, bytes: change(Buffer.from(bytes), random) };
}
