import * as HLS from 'hls-parser';
import { fetchText, type Session } from './start-playback.js';

/** A media playlist, line by line. */
interface Lines {
	readonly tags: ReadonlyMap<string, string>;
	readonly segments: readonly {
		readonly durationS: number;
		readonly uri: string;
		readonly isDiscontinuous: boolean;
	}[];
	readonly violations: readonly string[];
}

/** Tags that hold for a playlist as a whole, and may stand in it once (RFC 8216 §4.3.1, §4.3.3). */
const WHOLE = [
	'VERSION',
	'TARGETDURATION',
	'MEDIA-SEQUENCE',
	'DISCONTINUITY-SEQUENCE',
	'ENDLIST',
	'PLAYLIST-TYPE',
];

/**
 * What of RFC 8216 the playlists of a session break, in words; hls-parser in strict mode reads them first, and throws.
 * Segments are loaded too: no variant may need more than it says, and no duration be longer than its target.
 */
export async function playlistViolations(session: Session): Promise<string[]> {
	const violations: string[] = [];
	const demand = (isSo: boolean, rule: string): void => {
		if (!isSo) violations.push(rule);
	};
	const text = await fetchText(session.url);
	const master = HLS.parse(text) as HLS.types.MasterPlaylist;
	demand(text.startsWith('#EXTM3U\n'), '§4.3.1.1: EXTM3U is the first line');
	const [variant] = master.variants;
	if (variant === undefined) return ['§4.3.4.2: there is a variant'];
	const codecs = variant.codecs?.split(',') ?? [];
	demand(codecs.length > 0 && codecs.every((codec) => codec !== ''), '§4.3.4.2: CODECS names each format');
	const uris = [variant.uri, ...variant.audio.map(({ uri }) => uri as string)];
	const lists: Lines[] = [];
	for (const uri of uris) {
		const media = await fetchText(new URL(uri, session.url));
		HLS.parse(media);
		const list = readLines(media);
		lists.push(list);
		violations.push(...list.violations);
	}
	const [first, ...others] = lists as [Lines, ...Lines[]];
	for (const { tags, segments } of others) {
		const same = ['TARGETDURATION', 'MEDIA-SEQUENCE', 'DISCONTINUITY-SEQUENCE'];
		for (const tag of same)
			demand(tags.get(tag) === first.tags.get(tag), `§4.3.4.1: renditions have the same ${tag}`);
		const marks = (list: Lines['segments']): string =>
			JSON.stringify(list.map(({ isDiscontinuous }) => isDiscontinuous));
		demand(
			marks(segments) === marks(first.segments),
			'§4.3.4.1: renditions are discontinuous at the same places',
		);
	}
	for (const [index, { durationS }] of first.segments.entries()) {
		let bits = 0;
		for (const { segments } of lists) {
			const { uri } = segments[index] as Lines['segments'][0];
			bits += 8 * (await (await fetch(new URL(uri, session.url))).arrayBuffer()).byteLength;
		}
		demand(
			bits / durationS <= variant.bandwidth,
			`§4.3.4.2: segment ${index} takes ${bits / durationS} bit/s of ${variant.bandwidth}`,
		);
	}
	return violations;
}

function readLines(text: string): Lines {
	const violations: string[] = [];
	const tags = new Map<string, string>();
	const segments: { durationS: number; uri: string; isDiscontinuous: boolean }[] = [];
	let durationS: number | null = null;
	let isDiscontinuous = false;
	let hasMap = false;
	let isOver = false;
	for (const line of text.split('\n').slice(1, -1)) {
		const [, name = '', value = ''] = /^#(?:EXT-X-)?([A-Z-]+):?(.*)$/.exec(line) ?? [];
		if (isOver) violations.push(`§4.3.3.4: nothing follows ENDLIST, but ${line}`);
		if (WHOLE.includes(name)) {
			if (tags.has(name)) violations.push(`§4.1: ${name} stands twice`);
			if (name.endsWith('SEQUENCE') && segments.length > 0)
				violations.push(`§4.3.3: ${name} comes before segments`);
			if (name === 'DISCONTINUITY-SEQUENCE' && isDiscontinuous)
				violations.push('§4.3.3.3: it comes before DISCONTINUITY');
			tags.set(name, value);
			isOver = name === 'ENDLIST';
		} else if (name === 'DISCONTINUITY') isDiscontinuous = true;
		else if (name === 'MAP') hasMap = true;
		else if (name === 'EXTINF') {
			durationS = Number.parseFloat(value);
			if (!value.endsWith(',')) violations.push('§4.3.2.1: a comma follows the duration');
		} else if (!line.startsWith('#')) {
			if (durationS === null) violations.push('§4.3.2.1: each segment has an EXTINF');
			segments.push({ durationS: durationS ?? 0, uri: line, isDiscontinuous });
			durationS = null;
			isDiscontinuous = false;
		}
	}
	const target = Number(tags.get('TARGETDURATION'));
	if (!Number.isInteger(target)) violations.push('§4.3.3.1: TARGETDURATION is a whole number');
	for (const segment of segments) {
		if (Math.round(segment.durationS) > target)
			violations.push(`§4.3.3.1: ${segment.durationS} s of ${target} s`);
		if (segment.durationS <= 0) violations.push('§4.3.2.1: a segment lasts');
	}
	if (Number(tags.get('VERSION')) < (hasMap ? 6 : 3)) violations.push('§7: the version has all that is used');
	if (tags.get('PLAYLIST-TYPE') === 'VOD' && !isOver)
		violations.push('§4.3.3.5: what is on demand has an end');
	return { tags, segments, violations };
}
