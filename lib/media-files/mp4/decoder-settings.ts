import type { FileHandle } from 'node:fs/promises';
import { Input, MP4 } from 'mediabunny';
import { fileSource, withMediabunny } from './file-source.js';

/** What a decoder is set up with for a track. */
export interface DecoderSettings {
	/** Its id in the file. */
	readonly trackId: number;
	/** Equal texts where one decoder does for both tracks: bit rates, which are in the same boxes, do not count. */
	readonly settings: string;
}

/** What the decoders of an MP4 file's video and audio tracks are set up with. Rejects with
 * `MediaError` for a file that cannot be read. */
export function decoderSettings(handle: FileHandle, sizeBytes: number): Promise<DecoderSettings[]> {
	const input = new Input({ source: fileSource(handle, sizeBytes), formats: [MP4] });
	return withMediabunny(async () => {
		try {
			const found: DecoderSettings[] = [];
			for (const track of await input.getTracks()) {
				if (!track.isVideoTrack() && !track.isAudioTrack()) continue;
				const codec = await track.getCodec();
				const { description, ...config } = Object(await track.getDecoderConfig()) as {
					readonly description?: ArrayBufferView;
				};
				const bytes = description === undefined ? '' : hexOf(description);
				found.push({ trackId: track.id, settings: JSON.stringify([codec, config, bytes]) });
			}
			return found;
		} finally {
			input.dispose();
		}
	});
}

function hexOf({ buffer, byteOffset, byteLength }: ArrayBufferView): string {
	return Buffer.from(buffer, byteOffset, byteLength).toString('hex');
}
