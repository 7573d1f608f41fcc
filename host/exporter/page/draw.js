/* SPDX-License-Identifier: GPL-2.0-only */
/* Sizes and ages as text, and plots of samples over time on a canvas. */
'use strict';

const Draw = (() => {
	const unknown = '–';

	function size(bytes)
	{
		const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
		let unit = 0;

		if (bytes === undefined || bytes === null)
			return unknown;
		while (Math.abs(bytes) >= 1024 && unit < units.length - 1) {
			bytes /= 1024;
			unit++;
		}
		return `${unit ? bytes.toFixed(1) : bytes} ${units[unit]}`;
	}

	function age(seconds)
	{
		if (seconds === undefined || seconds === null)
			return unknown;
		if (seconds < 120)
			return `${Math.round(seconds)} s`;
		if (seconds < 7200)
			return `${Math.round(seconds / 60)} min`;
		return `${Math.round(seconds / 3600)} h`;
	}

	const as_size = {text: size, least: 1024 * 1024};
	const as_part = {
		text: ppm => ppm === undefined ? unknown : `${(ppm / 10000).toFixed(1)} %`,
		least: 2500,
	};

	/* Between the lines of a grid of four at most. */
	function grid_step(value, step)
	{
		while (step * 4 < value)
			step *= 2;
		return step;
	}

	/*
	 * plot(canvas, samples, lines): samples are objects with a time in ms; a line is
	 * {name, member, dash}. What a sample lacks is a gap, and so is a sample with no
	 * member at all. unit: as_size, or as_part of millionths.
	 */
	function plot(canvas, samples, lines, unit = as_size)
	{
		const style = getComputedStyle(document.documentElement);
		const colour = name => style.getPropertyValue(name).trim();
		const scale = window.devicePixelRatio || 1;
		const width = canvas.clientWidth, height = canvas.clientHeight;
		const left = 64, right = 8, upper = 20, lower = 18;
		const context = canvas.getContext('2d');
		const known = lines.filter(line => samples.some(
			sample => sample[line.member] !== undefined));
		const begin = samples.length ? samples[0].time : 0;
		const end = samples.length ? samples[samples.length - 1].time : 1;
		let most = 0;

		canvas.width = Math.round(width * scale);
		canvas.height = Math.round(height * scale);
		context.scale(scale, scale);
		for (const line of known)
			for (const sample of samples)
				most = Math.max(most, sample[line.member] || 0);
		const step = grid_step(most, unit.least);

		most = Math.max(1, Math.ceil(most / step)) * step;

		const x = time => left + (width - left - right) *
			(end > begin ? (time - begin) / (end - begin) : 1);
		const y = bytes => upper + (height - upper - lower) * (1 - bytes / most);

		context.font = '11px system-ui, sans-serif';
		context.fillStyle = colour('--dim');
		context.strokeStyle = colour('--line');
		context.textAlign = 'right';
		for (let at = 0; at <= most; at += step) {
			context.beginPath();
			context.moveTo(left, y(at));
			context.lineTo(width - right, y(at));
			context.stroke();
			context.fillText(unit.text(at), left - 6, y(at) + 4);
		}
		context.textAlign = 'left';
		context.fillText(`${age((end - begin) / 1000)} ago`, left, height - 4);
		context.textAlign = 'right';
		context.fillText('now', width - right, height - 4);

		let legend = left;
		known.forEach((line, index) => {
			const series = colour(`--series-${index % 4 + 1}`);
			let drawing = false;

			context.strokeStyle = context.fillStyle = series;
			context.lineWidth = 1.6;
			context.setLineDash(line.dash ? [5, 4] : []);
			context.beginPath();
			for (const sample of samples) {
				const value = sample[line.member];

				if (value === undefined) {
					drawing = false;
					continue;
				}
				if (drawing)
					context.lineTo(x(sample.time), y(value));
				else
					context.moveTo(x(sample.time), y(value));
				drawing = true;
			}
			context.stroke();
			context.setLineDash([]);
			context.textAlign = 'left';
			context.fillRect(legend, 5, 10, 3);
			context.fillText(line.name, legend + 14, 11);
			legend += 28 + context.measureText(line.name).width;
		});
		context.lineWidth = 1;
		describe(canvas, samples, known, unit);
	}

	/* The same in words, for who does not see it. */
	function describe(canvas, samples, lines, unit)
	{
		const words = lines.map(line => {
			const last = samples.findLast(
				sample => sample[line.member] !== undefined);

			return `${line.name} ${unit.text(last[line.member])}`;
		});

		canvas.setAttribute('aria-label', words.length
			? `Plot over time; now: ${words.join(', ')}`
			: 'Plot over time; nothing is known yet');
	}

	return {size, age, plot, unknown, as_part};
})();
