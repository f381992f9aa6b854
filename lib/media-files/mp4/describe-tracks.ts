import type { FileHandle } from 'node:fs/promises';
import {
	BufferTarget,
	EncodedAudioPacketSource,
	EncodedVideoPacketSource,
	Input,
	type InputTrack,
	MkvOutputFormat,
	MP4,
	Output,
	PCM_AUDIO_CODECS,
	QTFF,
} from 'mediabunny';
import { MediaError } from '../../errors.js';
import { fileSource, withMediabunny } from './file-source.js';

/** What Matroska says of the tracks of an MP4. */
export interface DescribedTracks {
	/** A Matroska file of these tracks without a frame: Tracks, and Tags where the MP4 has a title or the like. */
	readonly matroska: Uint8Array;
	/** Of each track that is in it, in order, by the number of the order from 1: its id in the MP4, and what its frames are. */
	readonly tracks: readonly DescribedTrack[];
}

/** One track of {@link DescribedTracks}. */
export interface DescribedTrack {
	/** TrackNumber in Matroska. */
	readonly number: number;
	/** Track id in the MP4. */
	readonly id: number;
	/** mediabunny's name of the codec. */
	readonly codec: string;
	/** Bytes of one PCM frame of all channels; null for other codecs. */
	readonly pcmFrameBytes: number | null;
}

/**
 * Describes the video and audio tracks of an MP4 as Matroska does, with rotation, language, name and configuration. Tracks
 * not in `ids` are left out. Throws `MediaError` for one that Matroska cannot hold, and for a file that cannot be read.
 */
export async function describeTracks(
	handle: FileHandle,
	sizeBytes: number,
	ids: ReadonlySet<number>,
): Promise<DescribedTracks> {
	const input = new Input({ source: fileSource(handle, sizeBytes), formats: [MP4, QTFF] });
	const target = new BufferTarget();
	const output = new Output({ format: new MkvOutputFormat(), target });
	return withMediabunny(async () => {
		try {
			const tracks: DescribedTrack[] = [];
			for (const track of await input.getTracks()) {
				if (ids.has(track.id)) tracks.push(await addTrack(output, track, tracks.length + 1));
			}
			const { raw: _, images: __, ...tags } = await input.getMetadataTags();
			output.setMetadataTags(tags);
			await output.start();
			await output.finalize();
			return { matroska: new Uint8Array(target.buffer as ArrayBuffer), tracks };
		} finally {
			if (output.state !== 'finalized') await output.cancel();
			input.dispose();
		}
	});
}

async function addTrack(output: Output, track: InputTrack, number: number): Promise<DescribedTrack> {
	const codec = await track.getCodec();
	const supported: readonly (string | null)[] = output.format.getSupportedCodecs();
	if (codec === null || !supported.includes(codec)) {
		const id = codec ?? String((await track.getInternalCodecId()) ?? 'unknown');
		throw new MediaError(
			'KVS_MEDIA_UNSUPPORTED',
			`track ${track.id} (${track.type}) has the codec \`${id}\`, which cannot be put into Matroska`,
		);
	}
	const name = await track.getName();
	const metadata = {
		languageCode: await track.getLanguageCode(),
		disposition: await track.getDisposition(),
		...(name !== null && { name }),
	};
	if (track.isVideoTrack()) {
		const source = new EncodedVideoPacketSource((await track.getCodec()) as NonNullable<typeof track.codec>);
		const decoderConfig = await track.getDecoderConfig();
		const rotation = await track.getRotation();
		const flip = await track.getFlip();
		output.addVideoTrack(source, { ...metadata, rotation, flip, ...(decoderConfig && { decoderConfig }) });
		return { number, id: track.id, codec, pcmFrameBytes: null };
	}
	if (track.isAudioTrack()) {
		const source = new EncodedAudioPacketSource((await track.getCodec()) as NonNullable<typeof track.codec>);
		const decoderConfig = await track.getDecoderConfig();
		output.addAudioTrack(source, { ...metadata, ...(decoderConfig && { decoderConfig }) });
		const isPcm = (PCM_AUDIO_CODECS as readonly string[]).includes(codec);
		const sampleBits = Number(/\d+/.exec(codec)?.[0] ?? 8);
		const pcmFrameBytes = isPcm ? (sampleBits / 8) * (await track.getNumberOfChannels()) : null;
		return { number, id: track.id, codec, pcmFrameBytes };
	}
	throw new MediaError('KVS_MEDIA_UNSUPPORTED', `track ${track.id} is neither video nor audio`);
}
