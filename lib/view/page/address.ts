import type { Zone } from './clock-text.js';

/** A clock of the archive. */
export type ArchiveClock = 'producer' | 'server';

/** What a link carries, so that it shows the same to somebody else. */
export interface Place {
	/** Where the playhead is, epoch milliseconds; null for nowhere yet. */
	readonly atMs: number | null;
	/** How much time is shown, milliseconds; null for as much as suits. */
	readonly spanMs: number | null;
	readonly clock: ArchiveClock;
	readonly zone: Zone;
	readonly streams: readonly string[];
}

/** Reads `#t=2026-01-31T14:03:07Z&z=3600000&clock=server&zone=local&s=front-door`. What is malformed is left out. */
export function readAddress(hash: string): Place {
	const members = new URLSearchParams(hash.replace(/^#/, ''));
	const atMs = Date.parse(members.get('t') ?? '');
	const spanMs = Number(members.get('z') ?? Number.NaN);
	return {
		atMs: Number.isNaN(atMs) ? null : atMs,
		spanMs: spanMs > 0 && Number.isFinite(spanMs) ? spanMs : null,
		clock: members.get('clock') === 'server' ? 'server' : 'producer',
		zone: members.get('zone') === 'local' ? 'local' : 'utc',
		streams: members.getAll('s').filter((name) => name !== ''),
	};
}

/** The same, written. */
export function writeAddress({ atMs, spanMs, clock, zone, streams }: Place): string {
	const members = new URLSearchParams();
	if (atMs !== null) members.set('t', new Date(Math.round(atMs)).toISOString());
	if (spanMs !== null) members.set('z', String(Math.round(spanMs)));
	members.set('clock', clock);
	if (zone === 'local') members.set('zone', zone);
	for (const stream of streams) members.append('s', stream);
	return `#${members.toString().replaceAll('%3A', ':')}`;
}
