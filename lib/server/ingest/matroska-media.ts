import type { FileHandle } from 'node:fs/promises';
import { MediaError } from '../../errors.js';
import type { FileMedia } from '../../media-files/file-media.js';
import { readBytes } from '../../media-files/input-file.js';
import { decodedBlocks } from '../../mkv/decoded-blocks.js';
import { MatroskaParser } from '../../mkv/parser/matroska-parser.js';
import { counted } from '../../wording/counted.js';
import type { ScannedDocument } from './document-scan.js';

/**
 * The media of a Matroska file that was looked through before. A file that is cut off is taken as far as it goes: `cutMessage`
 * says where it ends. Throws `MediaError` for a file without tracks or frames, or with several documents.
 */
export function openMatroska(
	handle: FileHandle,
	sizeBytes: number,
	documents: readonly ScannedDocument[],
	cutMessage: string | null,
): FileMedia {
	const [document] = documents;
	if (document === undefined || document.tracks.length === 0) throw unsupported('a file without tracks');
	if (documents.length > 1) {
		throw unsupported(
			`${documents.length} documents in one file, none of which carries a fragment number of the service`,
		);
	}
	const { tracks, trackNumbersSeen, firstTicks } = document;
	if (firstTicks === null) throw unsupported('a file without frames');
	const video = tracks.find(({ type, number }) => type === 'video' && trackNumbersSeen.has(number));
	return {
		tracks,
		timecodeScaleNs: document.timecodeScaleNs,
		firstTicks,
		lastTicks: document.maxTicks,
		videoTrackNumber: video?.number ?? null,
		omissions:
			cutMessage === null
				? []
				: [`${cutMessage}; the ${counted(document.frames, 'frame before is', 'frames before are')} taken`],
		async *feed(handler, signal) {
			const parser = new MatroskaParser(decodedBlocks(tracks, handler));
			for await (const bytes of readBytes(handle, 0, sizeBytes, signal)) {
				parser.write(bytes);
				yield;
			}
			const error = parser.end();
			if (error !== null && cutMessage === null) throw error;
			if (error !== null) handler.documentEnd(sizeBytes);
			yield;
		},
	};
}

function unsupported(message: string): MediaError {
	return new MediaError('KVS_MEDIA_UNSUPPORTED', message);
}
