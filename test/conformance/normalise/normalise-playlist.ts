import type { Normalised } from './normalised-response.js';
import type { Placeholders } from './placeholders.js';

/** A playlist of HLS, line by line, equal neighbours once. */
export function normalisePlaylist(text: string, placeholders: Placeholders): Normalised {
	const lines = text
		.split('\n')
		.filter((line) => line !== '')
		.map((line) => normaliseLine(line, placeholders));
	return withoutRepeats(lines);
}

function normaliseLine(line: string, placeholders: Placeholders): string {
	if (!line.startsWith('#')) return parameters(line, placeholders);
	const [, tag = line, value] = /^(#[A-Z0-9-]+):?(.*)$/.exec(line) ?? [];
	if (value === undefined || value === '') return tag;
	if (tag === '#EXTINF') return `${tag}:<seconds>${value.endsWith(',') ? ',' : ''}`;
	if (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value)) return `${tag}:<ISO 8601 with milliseconds>`;
	if (/^\d+$/.test(value)) return tag === '#EXT-X-VERSION' ? `${tag}:${value}` : `${tag}:<number>`;
	const attributes = [...value.matchAll(/([A-Z-]+)=("[^"]*"|[^,]*)/g)];
	if (attributes.length === 0) return /^[A-Z]+$/.test(value) ? `${tag}:${value}` : `${tag}:<text>`;
	const shown = attributes.map(
		([, name, text]) => `${name}=${attribute(name ?? '', text ?? '', placeholders)}`,
	);
	return `${tag}:${shown.join(',')}`;
}

/** What differs between media. */
const OF_MEDIA = new Set([
	'CODECS',
	'RESOLUTION',
	'FRAME-RATE',
	'BANDWIDTH',
	'AVERAGE-BANDWIDTH',
	'CHANNELS',
]);

function attribute(name: string, value: string, placeholders: Placeholders): string {
	if (OF_MEDIA.has(name)) return `<${name.toLowerCase()}>`;
	if (name === 'URI') return `"${parameters(value.slice(1, -1), placeholders)}"`;
	return /^"?[\w-]{1,20}"?$/.test(value) ? value : '<text>';
}

/** A relative URI: tokens and numbers of fragments are their own. */
export function parameters(uri: string, placeholders: Placeholders): string {
	if (/^https?:/.test(uri)) return '<absolute URL>';
	return uri
		.replace(/(SessionToken=)[^&\s]+/g, '$1<token>')
		.replace(/(FragmentNumber=)(\d+)/g, (_, name: string, number: string) => {
			const known = placeholders.nameOfFragment(number);
			return `${name}${known ?? (number.length >= 40 ? '<fragment number>' : '<short number>')}`;
		});
}

/** Attributes of a manifest that say how it is built; the values of others are its media's. */
const KEPT = new Set([
	'type',
	'profiles',
	'mimeType',
	'contentType',
	'timescale',
	'startNumber',
	'segmentAlignment',
	'startWithSAP',
	'minimumUpdatePeriod',
	'schemeIdUri',
]);

/** A manifest of DASH: its elements in order, equal neighbours once, with the names of their attributes. */
export function normaliseManifest(text: string, placeholders: Placeholders): Normalised {
	const elements = [...text.matchAll(/<(\/?[\w:]+)((?:\s+[\w:.-]+\s*=\s*"[^"]*")*)\s*\/?>/g)];
	const lines = elements
		.filter(([, name = '']) => !name.startsWith('/'))
		.map(([, name, attributes = '']) => {
			const shown = [...attributes.matchAll(/([\w:.-]+)\s*=\s*"([^"]*)"/g)].map(
				([, key = '', value = '']) => `${key}=${manifestValue(key, value, placeholders)}`,
			);
			return [name, ...shown].join(' ');
		});
	return withoutRepeats(lines);
}

function manifestValue(name: string, value: string, placeholders: Placeholders): string {
	if (KEPT.has(name) || name.startsWith('xmlns') || name.endsWith('schemaLocation')) return value;
	const isUri = name === 'initialization' || name === 'media';
	return isUri ? parameters(value.replaceAll('&amp;', '&'), placeholders) : `<${name}>`;
}

/** Lines, or groups of them, that stand more than once in a row stand there once: how many there are is the media's. */
function withoutRepeats(lines: readonly string[]): string[] {
	const kept: string[] = [];
	for (const line of lines) {
		kept.push(line);
		for (let length = 1; length <= kept.length / 2; length++) {
			const last = kept.slice(-length).map(numberless);
			const before = kept.slice(-2 * length, -length).map(numberless);
			if (last.every((text, index) => text === before[index])) {
				kept.length -= length;
				break;
			}
		}
	}
	return kept;
}

function numberless(line: string): string {
	return line.replace(/\{fragment:\d\}|<fragment number>|<short number>/g, '#');
}
