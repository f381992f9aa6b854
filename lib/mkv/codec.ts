/** Spellings of CodecIDs that producers use and the Matroska registry does not know. */
const registeredCodecIds = new Map([
	['V_MPEG/ISO/AVC', 'V_MPEG4/ISO/AVC'],
	['V_MPEG/ISO/HEVC', 'V_MPEGH/ISO/HEVC'],
]);

/**
 * The CodecID as the Matroska registry spells it. The service and its producer SDK write `V_MPEG/ISO/AVC`, which no
 * player knows.
 */
export function registeredCodecId(codecId: string): string {
	return registeredCodecIds.get(codecId) ?? codecId;
}

/** The RFC 6381 codec string of a track (`avc1.42c028`, `mp4a.40.2`), null where it cannot be told. */
export function codecString(codecId: string, codecPrivate: Uint8Array | null): string | null {
	switch (registeredCodecId(codecId)) {
		case 'V_MPEG4/ISO/AVC':
			// An AVC decoder configuration record begins with version 1, profile, compatibility, level (ISO 14496-15 §5.3.3).
			if (codecPrivate === null || codecPrivate.byteLength < 4 || codecPrivate[0] !== 1) return null;
			return `avc1.${Buffer.from(codecPrivate.subarray(1, 4)).toString('hex')}`;
		case 'A_AAC':
			return aacCodecString(codecPrivate);
		case 'A_OPUS':
			return 'opus';
		case 'A_FLAC':
			return 'flac';
		case 'A_MPEG/L3':
			return 'mp3';
		case 'V_VP8':
			return 'vp8';
		default:
			return null;
	}
}

/** The object type of an AudioSpecificConfig (ISO 14496-3 §1.6.2.1): five bits, or 31 and six more. */
function aacCodecString(codecPrivate: Uint8Array | null): string | null {
	const first = codecPrivate?.[0];
	if (first === undefined) return null;
	const objectType = first >> 3;
	if (objectType < 31) return `mp4a.40.${objectType}`;
	const second = codecPrivate?.[1];
	return second === undefined ? null : `mp4a.40.${32 + ((first & 7) << 3) + (second >> 5)}`;
}
