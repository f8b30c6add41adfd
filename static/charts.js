// Draws the charts of a page from the JSON beside them, in the colours of the theme.
(() => {
  "use strict";
  const drawn = new Map();
  const isCalm = window.matchMedia("(prefers-reduced-motion: reduce)");
  const SERIES = 8;

  function colours() {
    const style = getComputedStyle(document.documentElement);
    const of = (name) => style.getPropertyValue(name).trim();
    return {
      ink: of("--ink"), faint: of("--ink-3"), line: of("--line"), strong: of("--line-strong"), raised: of("--raised"),
      failed: of("--failed-fill"), sans: of("--sans"),
      series: Array.from({ length: SERIES }, (_, index) => of(`--series-${index + 1}`)),
    };
  }

  function brief(value) {
    const size = Math.abs(value);
    for (const [step, letter] of [[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e3, "K"]]) {
      if (size >= step) return `${Number((value / step).toPrecision(3))}${letter}`;
    }
    return String(Number(value.toPrecision(4)));
  }

  function full(value, unit) {
    const isMoney = unit === "USD";
    const size = Math.abs(value);
    const places = isMoney ? (size > 0 && size < 0.01 ? 6 : 2) : (Number.isInteger(value) ? 0 : 2);
    const text = Number(value).toLocaleString("en-US", { minimumFractionDigits: isMoney ? 2 : 0, maximumFractionDigits: places });
    return unit ? `${text} ${unit}` : text;
  }

  function base(paint) {
    return {
      color: paint.series,
      backgroundColor: "transparent",
      animation: !isCalm.matches,
      animationDuration: 250,
      textStyle: { fontFamily: paint.sans, fontSize: 12, color: paint.faint },
      aria: { enabled: false },
      tooltip: {
        renderMode: "richText", backgroundColor: paint.raised, borderColor: paint.strong, borderWidth: 1, padding: [8, 12],
        textStyle: { color: paint.ink, fontSize: 12, fontFamily: paint.sans, lineHeight: 18 }, confine: true,
      },
      legend: { type: "scroll", bottom: 0, left: 0, icon: "roundRect", itemWidth: 9, itemHeight: 9, itemGap: 16, textStyle: { color: paint.faint, fontSize: 12 }, pageTextStyle: { color: paint.faint }, pageIconColor: paint.ink },
      grid: { left: 4, right: 20, top: 16, bottom: 36, containLabel: true },
    };
  }

  function valueAxis(paint, data, name) {
    return {
      type: data.log ? "log" : "value", name, nameLocation: "middle", nameGap: 40, nameTextStyle: { color: paint.faint },
      axisLabel: { color: paint.faint, formatter: brief }, axisLine: { show: false }, axisTick: { show: false },
      splitLine: { lineStyle: { color: paint.line } }, splitNumber: 4,
    };
  }

  function wordAxis(paint, words) {
    return {
      type: "category", data: words, axisLabel: { color: paint.faint, hideOverlap: true }, axisTick: { show: false },
      axisLine: { lineStyle: { color: paint.strong } },
    };
  }

  function markOf(paint, mark) {
    if (!mark) return undefined;
    return {
      silent: true, symbol: "none", lineStyle: { color: paint.failed, type: "dashed", width: 1.5 },
      label: { formatter: mark.label, position: "insideEndTop", color: paint.ink, fontSize: 12 }, data: [{ yAxis: Number(mark.value) }],
    };
  }

  function tipOfAxis(data) {
    return (items) => {
      const shown = items.filter((item) => item.value !== null && item.value !== undefined && !Number.isNaN(item.value)).reverse();
      const sum = shown.reduce((total, item) => total + Number(item.value), 0);
      const lines = shown.slice(0, 12).map((item) => `${item.seriesName}   ${full(item.value, data.unit)}`);
      const isSum = data.kind !== "lines" && shown.length > 1;
      return [items[0].axisValueLabel, ...lines, ...(isSum ? [`Together   ${full(sum, data.unit)}`] : [])].join("\n");
    };
  }

  function number(value) {
    return value === null || value === "" || value === undefined ? null : Number(value);
  }

  function overX(paint, data) {
    const isArea = data.kind === "area";
    const isStack = isArea || data.kind === "columns";
    const option = base(paint);
    option.tooltip.trigger = "axis";
    option.tooltip.axisPointer = { type: data.kind === "columns" ? "shadow" : "line", lineStyle: { color: paint.strong }, shadowStyle: { color: paint.strong, opacity: 0.2 } };
    option.tooltip.formatter = tipOfAxis(data);
    option.xAxis = { ...wordAxis(paint, data.x), boundaryGap: data.kind === "columns" };
    option.yAxis = valueAxis(paint, data, data.y_label);
    if (data.y_label) option.grid.left = 28;
    option.series = data.series.map((line, index) => ({
      name: line.name, type: data.kind === "columns" ? "bar" : "line", stack: isStack ? "all" : undefined, data: line.values.map(number),
      symbol: "none", lineStyle: { width: isArea ? 1 : 2, type: line.dashed ? "dashed" : "solid" }, areaStyle: isArea ? { opacity: 0.75 } : undefined,
      barMaxWidth: 28, emphasis: { focus: "series" }, markLine: index === 0 ? markOf(paint, data.mark) : undefined,
    }));
    if (option.series.length < 2) option.grid.bottom = 8;
    option.legend.show = option.series.length > 1;
    return option;
  }

  function bars(paint, data) {
    const option = base(paint);
    option.tooltip.trigger = "axis";
    option.tooltip.axisPointer = { type: "shadow", shadowStyle: { color: paint.strong, opacity: 0.2 } };
    option.tooltip.formatter = tipOfAxis(data);
    option.xAxis = valueAxis(paint, data, undefined);
    option.yAxis = { ...wordAxis(paint, data.x), inverse: true };
    option.series = data.series.map((line) => ({ name: line.name, type: "bar", stack: "all", data: line.values.map(number), barMaxWidth: 22 }));
    option.legend.show = option.series.length > 1;
    if (!option.legend.show) option.grid.bottom = 8;
    return option;
  }

  function scatter(paint, data) {
    const option = base(paint);
    const groups = [...new Set(data.points.map((point) => point.series || ""))];
    option.tooltip.formatter = (item) => `${item.data.name}\n${data.x_label}   ${full(item.value[0], data.x_unit)}\n${data.y_label}   ${full(item.value[1], data.y_unit)}`;
    option.grid = { ...option.grid, left: 28, bottom: 64 };
    option.xAxis = { ...valueAxis(paint, data, data.x_label), nameGap: 26 };
    option.yAxis = { ...valueAxis(paint, { log: data.y_log }, data.y_label), nameGap: 44, scale: Boolean(data.y_is_close) };
    option.legend.show = groups.length > 1;
    option.series = groups.map((group) => ({
      name: group || data.y_label, type: "scatter", symbolSize: 11, itemStyle: { borderColor: paint.raised, borderWidth: 1 },
      data: data.points.filter((point) => (point.series || "") === group).map((point) => ({
        name: point.name, value: [Number(point.x), Number(point.y)], symbol: point.pick ? "diamond" : "circle", symbolSize: point.pick ? 18 : 11,
        label: { show: Boolean(point.pick), formatter: point.label || point.name, position: "top", color: paint.ink, fontSize: 12 },
      })),
    }));
    return option;
  }

  const optionOf = { area: overX, columns: overX, lines: overX, bars, scatter };

  function paintOne(canvas) {
    const data = JSON.parse(document.getElementById(canvas.dataset.chart).textContent);
    const kept = drawn.get(canvas);
    if (!kept && data.kind === "bars") canvas.style.height = `${Math.max(120, data.x.length * 38 + 40)}px`;
    const chart = kept || window.echarts.init(canvas, null, { renderer: "svg" });
    chart.setOption(optionOf[data.kind](colours(), data), true);
    if (!kept) {
      drawn.set(canvas, chart);
      watch.observe(canvas);
    }
  }

  const watch = new ResizeObserver((entries) => entries.forEach((entry) => drawn.get(entry.target)?.resize()));

  window.slipwayCharts = {
    draw: (scope) => scope.querySelectorAll("[data-chart]").forEach((canvas) => drawn.has(canvas) || paintOne(canvas)),
    redraw: () => drawn.forEach((_, canvas) => paintOne(canvas)),
    dispose(element) {
      if (!drawn.has(element)) return;
      watch.unobserve(element);
      drawn.get(element).dispose();
      drawn.delete(element);
    },
  };
})();
