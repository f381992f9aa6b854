import type { MediaEvent } from 'kvs-archive';
import { fragmentNumber } from '../helpers/media/payload.js';

/** The types of events, in order, with a blank between them. */
export const typesOf = (events: readonly MediaEvent[]): string => events.map(({ type }) => type).join(' ');

/** The numbers of the fragments among events, in order. */
export const deliveredNumbers = (events: readonly MediaEvent[]): (string | null)[] =>
	events
		.filter(({ type }) => type === 'fragment')
		.map((event) => (event as { fragmentNumber: string }).fragmentNumber);

/** The fragment numbers of a recording of so many fragments. */
export const numbers = (count: number): string[] =>
	Array.from({ length: count }, (_, index) => fragmentNumber(index + 1));
