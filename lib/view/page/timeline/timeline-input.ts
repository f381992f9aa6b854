import type { TimeAxis } from './time-axis.js';

/** A drag of fewer pixels is a click. */
const CLICK_PIXELS = 4;

/** A step of the wheel zooms by so much. */
const WHEEL_FACTOR = 1.0015;

/** What a hand does on the timeline. */
export interface TimelineActions {
	/** What is shown has changed. */
	readonly onView: () => void;
	/** The pointer is at this time. */
	readonly onFocus: (ms: number) => void;
	/** A moment was chosen. */
	readonly onChoose: (ms: number) => void;
	/** A range was marked. */
	readonly onMark: (fromMs: number, toMs: number) => void;
}

/** Wheel, drag and pinch: with Shift a drag marks a range. */
export function listenToTimeline(area: HTMLElement, axis: TimeAxis, actions: TimelineActions): void {
	const pointers = new Map<number, number>();
	let startX = 0;
	let isDragged = false;
	let markFromMs: number | null = null;
	const xOf = (event: MouseEvent): number => event.clientX - area.getBoundingClientRect().left;

	area.addEventListener(
		'wheel',
		(event) => {
			event.preventDefault();
			const pixels = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 32 : 1;
			const isSideways = Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey;
			if (isSideways) axis.panBy((event.deltaX || event.deltaY) * pixels * axis.msPerPixel);
			else axis.zoomTo(axis.spanMs * WHEEL_FACTOR ** (event.deltaY * pixels), axis.msAt(xOf(event)));
			actions.onView();
		},
		{ passive: false },
	);
	area.addEventListener('pointerdown', (event) => {
		if (event.button !== 0) return;
		area.setPointerCapture(event.pointerId);
		pointers.set(event.pointerId, xOf(event));
		startX = xOf(event);
		isDragged = pointers.size > 1;
		markFromMs = event.shiftKey ? axis.msAt(startX) : null;
	});
	area.addEventListener('pointermove', (event) => {
		const x = xOf(event);
		actions.onFocus(axis.msAt(x));
		const before = pointers.get(event.pointerId);
		if (before === undefined) return;
		isDragged ||= Math.abs(x - startX) >= CLICK_PIXELS;
		if (!isDragged) return;
		if (markFromMs !== null) {
			const ms = axis.msAt(x);
			actions.onMark(Math.min(markFromMs, ms), Math.max(markFromMs, ms));
		} else if (pointers.size === 2) {
			const [other = before] = [...pointers]
				.filter(([id]) => id !== event.pointerId)
				.map(([, place]) => place);
			const factor = Math.max(8, Math.abs(before - other)) / Math.max(8, Math.abs(x - other));
			axis.zoomTo(axis.spanMs * factor, axis.msAt(other));
		} else axis.panBy((before - x) * axis.msPerPixel);
		pointers.set(event.pointerId, x);
		actions.onView();
	});
	area.addEventListener('pointerup', (event) => {
		if (!pointers.delete(event.pointerId)) return;
		if (!isDragged) actions.onChoose(axis.msAt(xOf(event)));
	});
	area.addEventListener('pointercancel', (event) => pointers.delete(event.pointerId));
}
