import { ID } from '../ebml/ebml-schema.js';
import { MediaError } from '../errors.js';
import type { MatroskaHandler } from '../mkv/parser/matroska-handler.js';
import { MatroskaParser } from '../mkv/parser/matroska-parser.js';

/** Bodies of Tracks elements that stand after the Clusters of their document, by the offset of its EBML header. */
export type LateTracks = ReadonlyMap<number, Uint8Array>;

/**
 * Looks for Tracks that stand after the Clusters, to be given to {@link MkvReader} as `lateTracks` when the same bytes are
 * read again. Where the first document has its Tracks in front, as nearly all have, it reads no further and gives none; else
 * it reads all of `chunks`. Malformed bytes end the search: the reader reports them.
 */
export async function findLateTracks(chunks: AsyncIterable<Uint8Array>): Promise<LateTracks> {
	const late = new Map<number, Uint8Array>();
	let document = 0;
	let isLate = false;
	let isUsual = false;
	const handler: MatroskaHandler = {
		documentStart: (offset) => {
			document = offset;
			isLate = false;
		},
		header: (id, body) => {
			if (id !== ID.Tracks) return;
			if (isLate) late.set(document, Uint8Array.from(body));
			else isUsual = late.size === 0;
		},
		clusterStart: () => {
			isLate = true;
		},
		block: () => {},
		documentEnd: () => {},
	};
	const parser = new MatroskaParser(handler);
	try {
		for await (const chunk of chunks) {
			parser.write(chunk);
			if (isUsual) return new Map();
		}
	} catch (error) {
		if (!(error instanceof MediaError)) throw error;
	}
	return late;
}
